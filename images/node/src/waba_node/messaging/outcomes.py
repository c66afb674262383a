"""What the upstream's events make of the messages and which webhooks they are worth. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..api.settings import ApplicationSettings
from ..store.outbox import ACCEPTED, Known
from ..upstream.base import UpstreamEvent

FAILED = "failed"
EXPIRED = {"errors": [{"code": 410, "title": "TTL expired", "details": "The message was not sent within its ttl"}]}
PROGRESS = {ACCEPTED: 0, "sent": 1, "delivered": 2, "read": 3}


def advances(old: str, new: str) -> bool:
    """Return whether a message's status may go from `old` to `new` (ours).

    A status never goes back and never comes twice, so a repeated event makes no second webhook. A message fails only before it is
    delivered, and stays failed. A kind that is not known changes nothing.
    """
    if old in (FAILED, new):
        return False
    return PROGRESS[old] < (PROGRESS["delivered"] if new == FAILED else PROGRESS.get(new, 0))


def status_webhook(event: UpstreamEvent, message: Known) -> dict:
    """Return the webhook for a status (vendor fact, section 2.12)."""
    status = {
        "id": event.message_id,
        "recipient_id": message.recipient,
        "status": event.kind,
        "timestamp": str(event.timestamp),
    }
    if message.callback_data is not None:
        status["biz_opaque_callback_data"] = message.callback_data
    return {"statuses": [{**status, **event.payload}]}


def wanted(kind: str, settings: ApplicationSettings) -> bool:
    """Return whether a status makes a webhook: the switches of the settings (vendor fact); failures always do (ours)."""
    return getattr(settings.webhooks.message, kind, True) and (settings.sent_status or kind != "sent")


def outcomes(
    messages: Mapping[str, Known], events: Iterable[UpstreamEvent], settings: ApplicationSettings
) -> tuple[dict[str, str], list[dict]]:
    """Return what a group of events, in their order, leads to.

    messages: by id, those of the events that are known. Returns the new status of each message that has
    one, and the webhooks in order; an inbound event is its own webhook.
    """
    statuses: dict[str, str] = {}
    webhooks: list[dict] = []
    for event in events:
        if event.kind == "inbound":
            webhooks.append(event.payload)
        elif event.message_id in messages:
            message = messages[event.message_id]
            if advances(statuses.get(event.message_id, message.status), event.kind):
                statuses[event.message_id] = event.kind
                if wanted(event.kind, settings):
                    webhooks.append(status_webhook(event, message))
    return statuses, webhooks


def senders(events: Iterable[UpstreamEvent]) -> dict[str, str]:
    """Return id -> sender of the messages that came in."""
    return {
        message["id"]: message["from"]
        for event in events
        if event.kind == "inbound"
        for message in event.payload.get("messages", ())
    }
