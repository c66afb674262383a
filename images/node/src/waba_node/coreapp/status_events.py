"""What the upstream's events make of the messages and which webhooks they are worth. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from ..settings import ApplicationSettings
from ..store.outbox import ACCEPTED, Known
from ..upstream.base import UpstreamEvent

FAILED = "failed"
EXPIRED = {"errors": [{"code": 410, "title": "TTL expired", "details": "The message was not sent within its ttl"}]}
PROGRESS = {ACCEPTED: 0, "sent": 1, "delivered": 2, "read": 3}
# Of the system's messages, those that a setting keeps back (vendor facts, sections 2.4 and 2.12).
NOTICES = {"user_identity_changed": "show_security_notifications", "user_changed_number": "notify_user_change_number"}
PRICING = ("conversation", "pricing")  # of a status, where webhook_payload_conversation_pricingmodel_disabled is off


def advances(old: str, new: str) -> bool:
    """Return whether a message's status may go from `old` to `new` (ours).

    A status never goes back and never comes twice, so a repeated event makes no second webhook. A message fails only before it is
    delivered, and stays failed. A kind that is not known changes nothing.
    """
    if old in (FAILED, new):
        return False
    return PROGRESS[old] < (PROGRESS["delivered"] if new == FAILED else PROGRESS.get(new, 0))


def status_webhook(event: UpstreamEvent, message: Known, settings: ApplicationSettings) -> dict:
    """Return the webhook for a status (vendor fact, section 2.12)."""
    status = {
        "id": event.message_id,
        "recipient_id": message.recipient,
        "status": event.kind,
        "timestamp": str(event.timestamp),
    }
    if message.callback_data is not None:
        status["biz_opaque_callback_data"] = message.callback_data
    left_out = PRICING if settings.webhook_payload_conversation_pricingmodel_disabled else ()
    return {"statuses": [{**status, **{name: value for name, value in event.payload.items() if name not in left_out}}]}


def wanted(kind: str, settings: ApplicationSettings) -> bool:
    """Return whether a status makes a webhook: the switches of the settings (vendor fact); failures always do (ours)."""
    return getattr(settings.webhooks.message, kind, True) and (settings.sent_status or kind != "sent")


def outcomes(
    messages: Mapping[str, Known], events: Iterable[UpstreamEvent], settings: ApplicationSettings
) -> tuple[dict[str, str], list[dict]]:
    """Return what a group of events, in their order, leads to.

    messages: by id, those of the events that are known. Returns the new status of each message that has
    one, and the webhooks in order; an inbound event is its own webhook, unless all of its messages are kept back.
    """
    statuses: dict[str, str] = {}
    webhooks: list[dict] = []
    for event in events:
        if event.kind == "inbound":
            webhooks += told(event.payload, settings)
        elif event.message_id in messages:
            message = messages[event.message_id]
            if advances(statuses.get(event.message_id, message.status), event.kind):
                statuses[event.message_id] = event.kind
                if wanted(event.kind, settings):
                    webhooks.append(status_webhook(event, message, settings))
    return statuses, webhooks


def told(payload: dict, settings: ApplicationSettings) -> list[dict]:
    """Return the webhook of an inbound event without the notices that the settings keep back, or nothing when there is no more in it."""
    if "messages" not in payload:
        return [payload]
    messages = [message for message in payload["messages"] if getattr(settings, NOTICES.get(notice(message), ""), True)]
    return [{**payload, "messages": messages}] if messages else []


def notice(message: dict) -> str:
    """Return what a message of the system says has happened, "" for any other message."""
    return message.get("system", {}).get("type", "") if message.get("type") == "system" else ""


def first_time(events: Iterable[UpstreamEvent], new: Collection[str]) -> list[UpstreamEvent]:
    """Return events without the messages that came in before. new: the ids of those that did not."""
    left, found = set(new), []
    for event in events:
        if event.kind == "inbound" and "messages" in event.payload:
            messages = [message for message in event.payload["messages"] if message["id"] in left]
            left -= {message["id"] for message in messages}
            if not messages:
                continue
            event = replace(event, payload={**event.payload, "messages": messages})
        found.append(event)
    return found


def changed_identities(events: Iterable[UpstreamEvent]) -> dict[str, str]:
    """Return user -> hash of the identities that the upstream says have changed."""
    return {
        message["from"]: message["system"]["identity"]
        for message in inbound(events)
        if notice(message) == "user_identity_changed" and message["system"].get("identity")
    }


def senders(events: Iterable[UpstreamEvent]) -> dict[str, str]:
    """Return id -> sender of the messages that came in."""
    return {message["id"]: message["from"] for message in inbound(events)}


def inbound(events: Iterable[UpstreamEvent]) -> list[dict]:
    """Return the messages that came in."""
    return [message for event in events if event.kind == "inbound" for message in event.payload.get("messages", ())]
