"""Derives message statuses and webhooks from the upstream's events. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..settings import ApplicationSettings
from ..store.outbox import ACCEPTED, CLAIMED, HANDED_OVER, StoredMessage
from ..upstream.base import UpstreamEvent

FAILED = "failed"
EXPIRED = {"errors": [{"code": 410, "title": "TTL expired", "details": "The message was not sent within its ttl"}]}
PROGRESS = {ACCEPTED: 0, CLAIMED: 0, HANDED_OVER: 0, "sent": 1, "delivered": 2, "read": 3}
# System messages that a setting suppresses (docs/reference/vendor-contract.md#webhooks).
NOTICES = {"user_identity_changed": "show_security_notifications", "user_changed_number": "notify_user_change_number"}
PRICING = ("conversation", "pricing")  # fields that webhook_payload_conversation_pricingmodel_disabled removes

OWN_MESSAGE = "gBGG"  # the ids of sent messages begin with this

Webhook = dict[str, Any]


class Expiry(UpstreamEvent):
    """The end of a message's ttl. Only a message that was not sent fails."""


def expiry(message_id: str, moment: int) -> Expiry:
    """Return the event of a message whose ttl has ended. moment: seconds since 1970."""
    return Expiry(message_id, FAILED, moment, EXPIRED)


def advances(old: str, new: str) -> bool:
    """Return whether a message's status may change from `old` to `new`.

    A status never goes back and never repeats, so a repeated event causes no second webhook. A message fails only before it is delivered,
    and stays failed. An unknown kind of event changes nothing.
    """
    if old in (FAILED, new):
        return False
    return PROGRESS[old] < (PROGRESS["delivered"] if new == FAILED else PROGRESS.get(new, 0))


def status_webhook(event: UpstreamEvent, message: StoredMessage, settings: ApplicationSettings) -> Webhook:
    """Return the webhook for a status (docs/reference/vendor-contract.md#webhooks)."""
    status = {
        "id": event.message_id,
        "recipient_id": message.recipient,
        "status": event.kind,
        "timestamp": str(event.timestamp),
    }
    if message.callback_data is not None:
        status["biz_opaque_callback_data"] = message.callback_data
    removed = PRICING if settings.webhook_payload_conversation_pricingmodel_disabled else ()
    return {"statuses": [{**status, **{name: value for name, value in event.payload.items() if name not in removed}}]}


def is_reported(kind: str, settings: ApplicationSettings) -> bool:
    """Return whether the settings ask for a webhook for a status. A failure always causes one."""
    return getattr(settings.webhooks.message, kind, True) and (settings.sent_status or kind != "sent")


def derive(
    messages: Mapping[str, StoredMessage], events: Iterable[UpstreamEvent], settings: ApplicationSettings
) -> tuple[dict[str, str], list[Webhook]]:
    """Return what a batch of events, in their order, causes: the new status of each message that changes, and the webhooks in order.

    messages: the known messages of the events, by id. An inbound event is its own webhook unless all of its messages are suppressed.
    """
    statuses: dict[str, str] = {}
    webhooks: list[Webhook] = []
    for event in events:
        if event.kind == "inbound":
            webhooks += inbound_webhooks(event.payload, settings)
        elif event.message_id in messages:
            message = messages[event.message_id]
            status = statuses.get(event.message_id, message.status)
            if isinstance(event, Expiry) and status != ACCEPTED:
                continue  # the upstream confirmed it in the meantime
            if advances(status, event.kind):
                statuses[event.message_id] = event.kind
                if is_reported(event.kind, settings):
                    webhooks.append(status_webhook(event, message, settings))
    return statuses, webhooks


def inbound_webhooks(payload: Webhook, settings: ApplicationSettings) -> list[Webhook]:
    """Return the webhook of an inbound event without the notices that the settings suppress; none when nothing is left."""
    if "messages" not in payload:
        return [payload]
    messages = [message for message in payload["messages"] if getattr(settings, NOTICES.get(notice(message), ""), True)]
    return [{**payload, "messages": messages}] if messages else []


def with_context_sender(events: Iterable[UpstreamEvent], own_number: str) -> list[UpstreamEvent]:
    """Return events whose inbound messages name the author of the message that they reply to. own_number: "" if none is registered.

    The author of a sent message is the cluster's number, which the upstream may not know.
    """
    if not own_number:
        return list(events)
    return [
        replace(
            event,
            payload={
                **event.payload,
                "messages": [_with_context_sender(message, own_number) for message in event.payload["messages"]],
            },
        )
        if event.kind == "inbound" and "messages" in event.payload
        else event
        for event in events
    ]


def _with_context_sender(message: dict[str, Any], own_number: str) -> dict[str, Any]:
    context = message.get("context")
    if not isinstance(context, dict) or "id" not in context:
        return message
    if "from" in context and not str(context["id"]).startswith(OWN_MESSAGE):
        return message
    return {**message, "context": {**context, "from": own_number}}


def notice(message: Mapping[str, Any]) -> str:
    """Return the kind of a system message, "" for any other message."""
    kind: str = message.get("system", {}).get("type", "") if message.get("type") == "system" else ""
    return kind


def without_repeated(events: Iterable[UpstreamEvent], new: Collection[str]) -> list[UpstreamEvent]:
    """Return events without the inbound messages that were received before. new: the ids of the others."""
    left, result = set(new), []
    for event in events:
        if event.kind == "inbound" and "messages" in event.payload:
            messages = [message for message in event.payload["messages"] if message["id"] in left]
            left -= {message["id"] for message in messages}
            if not messages:
                continue
            event = replace(event, payload={**event.payload, "messages": messages})
        result.append(event)
    return result


def changed_identities(events: Iterable[UpstreamEvent]) -> dict[str, str]:
    """Return user -> hash of the identities that the upstream reports as changed."""
    return {
        message["from"]: message["system"]["identity"]
        for message in inbound_messages(events)
        if notice(message) == "user_identity_changed" and message["system"].get("identity")
    }


def senders(events: Iterable[UpstreamEvent]) -> dict[str, str]:
    """Return id -> sender of the inbound messages."""
    return {message["id"]: message["from"] for message in inbound_messages(events)}


def inbound_messages(events: Iterable[UpstreamEvent]) -> list[dict[str, Any]]:
    """Return the inbound messages."""
    return [message for event in events if event.kind == "inbound" for message in event.payload.get("messages", ())]
