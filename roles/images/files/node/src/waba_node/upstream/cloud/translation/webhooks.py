"""Translates webhooks of the Cloud API to events (docs/reference/cloud-api.md#webhooks).

A webhook is split into updates when it arrives. An update is stored, and translated to events by the owner of its user's shard. Unknown fields and
malformed parts are ignored, never refused: Meta repeats a webhook that was refused for seven days, with everything else in it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...base import UpstreamEvent
from .errors import GENERIC, TITLES, UNKNOWN_TYPE, onprem_error
from .messages import SHAPES as MESSAGE_SHAPES
from .shapes import Field, Json, Rule, Shape, copy_field, fields

OBJECT = "whatsapp_business_account"
FIELD = "messages"  # of the changes that concern messages
MILLISECONDS_FROM = 100_000_000_000  # larger timestamps are milliseconds: as seconds, this is the year 5138
LONGEST_USER = 135  # characters
LONGEST_TYPE, LONGEST_REFERENCE = 255, 1024  # characters of a file's content type and id
DEEPEST = 32  # levels of JSON that are read
# Other applications of the number have callback data of their own.
CORRELATION = re.compile(r"([0-9]{1,2}):([!-~]{1,64})", re.ASCII)


@dataclass(frozen=True)
class Update:
    """One message, status, deletion or error of a webhook.

    kind: message, status (of a sent message), deletion (of a message by its user) or error. key: the same for a repetition, and for no other
    update of this kind. user: the phone number or id of the user, "" for an error. wamid: the id of the message, "" for an error.
    callback_data: the correlation id in a status, "" without one. content: JSON: the part named by the kind, and the `contact` of a message.
    """

    kind: str
    key: str
    user: str
    wamid: str
    callback_data: str
    content: dict[str, Any]


@dataclass(frozen=True)
class InboundRule:
    """A type of received message. onprem: its type on-premises, "" for a message that is dropped. field: the treatment of its content."""

    onprem: str
    field: Field | None
    note: str
    source: str


@dataclass(frozen=True)
class StatusRule:
    """A status. onprem: its name on-premises, "" for a status that is dropped."""

    onprem: str
    note: str
    source: str


SHAPES: dict[str, Shape] = {
    "text": Shape(fields("body"), "webhook-messages"),
    "medium": Shape(
        (
            Field("url", Rule.DROP, note="Lives five minutes; the file is fetched by its id."),
            Field("animated", Rule.DROP, note="Unknown on-premises."),
            Field("voice", Rule.DROP, note="Decides whether audio is of type `voice`."),
            *fields("caption filename"),
        ),
        "webhook-messages courier",
    ),
    "location": Shape(fields("latitude longitude name address url"), "webhook-messages courier"),
    **{name: MESSAGE_SHAPES[name] for name in ("address", "email", "organization", "phone", "url")},
    "name": Shape(fields("formatted_name first_name last_name middle_name prefix suffix"), "webhook-messages"),
    "contact": Shape(
        (
            *MESSAGE_SHAPES["contact"].fields,
            Field("vcard", Rule.DROP, note="Unknown on-premises."),
            Field("origin", Rule.DROP, note="Unknown on-premises."),
        ),
        "webhook-messages bsuid",
    ),
    "button": Shape(fields("payload text"), "webhook-messages courier"),
    "reply": Shape(fields("id title description"), "webhook-messages courier"),
    "nfm_reply": Shape(fields("name body response_json"), "courier"),
    "order": Shape((*fields("catalog_id text"), Field("product_items", shape="product_item")), "webhook-messages"),
    "product_item": Shape(fields("product_retailer_id quantity item_price currency"), "webhook-messages"),
    "reaction": Shape(
        (Field("message_id", note="The cluster's id of a sent message."), Field("emoji")), "webhook-messages"
    ),
    "notice": Shape(fields("body identity"), "webhook-system pywa"),
    "context": Shape(
        (
            Field("from"),
            Field("id", note="The cluster's id of a sent message."),
            *fields("forwarded frequently_forwarded"),
            Field("referred_product", shape="referred_product"),
        ),
        "webhook-messages",
    ),
    "referred_product": Shape(fields("catalog_id product_retailer_id"), "webhook-messages"),
    "referral": Shape(
        (
            *fields("headline body source_type source_id source_url"),
            Field("media_type", Rule.DROP, note="The file of an advertisement has no id."),
            Field("image_url", Rule.DROP, note="As `media_type`."),
            Field("video_url", Rule.DROP, note="As `media_type`."),
            Field("thumbnail_url", Rule.DROP, note="As `media_type`."),
            Field("ctwa_clid", Rule.DROP, note="Unknown on-premises."),
            Field("welcome_message", Rule.DROP, note="Unknown on-premises."),
        ),
        "changelog webhook-messages",
    ),
    "conversation": Shape((*fields("id expiration_timestamp"), Field("origin", shape="origin")), "webhook-status"),
    "origin": Shape(fields("type"), "webhook-status"),
    "pricing": Shape(
        (*fields("billable pricing_model category"), Field("type", Rule.DROP, note="Unknown on-premises.")),
        "webhook-status",
    ),
}

INBOUND: dict[str, InboundRule] = {  # type of a received message -> rule
    "text": InboundRule("text", Field("text", shape="text"), "", "webhook-messages"),
    "image": InboundRule("image", Field("image", Rule.FILE, "medium"), "", "webhook-messages courier"),
    "video": InboundRule("video", Field("video", Rule.FILE, "medium"), "", "webhook-messages courier"),
    "audio": InboundRule(
        "audio",
        Field("audio", Rule.FILE, "medium"),
        "With `voice: true`, a message of type `voice`.",
        "migration courier",
    ),
    "document": InboundRule("document", Field("document", Rule.FILE, "medium"), "", "webhook-messages courier"),
    "sticker": InboundRule("sticker", Field("sticker", Rule.FILE, "medium"), "", "webhook-messages"),
    "location": InboundRule("location", Field("location", shape="location"), "", "webhook-messages courier"),
    "contacts": InboundRule("contacts", Field("contacts", shape="contact"), "", "webhook-messages bsuid"),
    "button": InboundRule("button", Field("button", shape="button"), "", "webhook-messages courier"),
    "interactive": InboundRule(
        "interactive", Field("interactive"), "By the type of the reply, see below.", "webhook-messages courier"
    ),
    "order": InboundRule("order", Field("order", shape="order"), "", "webhook-messages"),
    "reaction": InboundRule(
        "reaction",
        Field("reaction", shape="reaction"),
        "Without `emoji`, the reaction was removed.",
        "webhook-messages decision",
    ),
    "system": InboundRule("system", Field("system"), "By the type of the notice, see below.", "webhook-system"),
    "unsupported": InboundRule("unknown", None, "With error 501.", "webhook-unsupported onprem-webhooks"),
    "unknown": InboundRule("unknown", None, "The older name of `unsupported`.", "openapi onprem-webhooks"),
    "request_welcome": InboundRule("", None, "A chat was opened; on-premises knows no such message.", "pywa"),
    "edit": InboundRule("", None, "On-premises knows no edited messages.", "webhook-messages"),
    "revoke": InboundRule("", None, "On-premises knows no revoked messages.", "webhook-messages"),
}
ANY_OTHER = InboundRule("unknown", None, "With error 501.", "decision")

REPLIES: dict[str, Field] = {  # type of an interactive reply -> its field
    "button_reply": Field("button_reply", shape="reply"),
    "list_reply": Field("list_reply", shape="reply"),
    "nfm_reply": Field("nfm_reply", shape="nfm_reply", note="The answer to a flow or an address form."),
}

NUMBER_CHANGED, IDENTITY_CHANGED = "user_changed_number", "user_identity_changed"
SYSTEM: dict[str, tuple[str, str, str]] = {  # type of a notice -> type on-premises, note, source
    "user_changed_number": (NUMBER_CHANGED, "`wa_id` becomes `new_wa_id`.", "webhook-system"),
    "customer_changed_number": (NUMBER_CHANGED, "The older name.", "pywa"),
    "user_changed_user_id": (
        NUMBER_CHANGED,
        "`new_wa_id` is the new number, or the new id of a user without one.",
        "bsuid decision",
    ),
    "customer_identity_changed": (IDENTITY_CHANGED, "With the hash as `identity`.", "pywa"),
    "user_identity_changed": (IDENTITY_CHANGED, "As `customer_identity_changed`.", "decision"),
}

STATUSES: dict[str, StatusRule] = {
    "sent": StatusRule("sent", "", "webhook-status"),
    "delivered": StatusRule("delivered", "", "webhook-status"),
    "read": StatusRule("read", "", "webhook-status"),
    "failed": StatusRule("failed", "With the errors of the table below.", "webhook-status error-codes"),
    "deleted": StatusRule("deleted", "", "courier onprem-webhooks"),
    "played": StatusRule("", "On-premises knows no played voice messages.", "webhook-status"),
}
DELETED = "deleted"

CATEGORIES = {  # of conversations and prices: Cloud -> on-premises; others have the same name
    "authentication_international": "authentication",
    "authentication-international": "authentication",
    "marketing_lite": "marketing",
}
PRICING_MODELS = {"PMP": "CBP"}  # on-premises knows NBP and CBP; others have the same name


def correlation_id(bucket: int, message_id: str) -> str:
    """Return the callback data of a sent message."""
    return f"{bucket}:{message_id}"


def parse_correlation_id(callback_data: str) -> tuple[int, str] | None:
    """Return (bucket, message id) of callback data, None for callback data of another origin."""
    match = CORRELATION.fullmatch(callback_data)
    return (int(match[1]), match[2]) if match else None


def updates(body: object, phone_number_id: str) -> tuple[list[Update], list[str]]:
    """Return the updates of a webhook for a phone number, and a line for the log about each ignored part. Never raises for any JSON."""
    body = _clean(body)
    if not isinstance(body, Mapping) or body.get("object") != OBJECT:
        return [], [f"a webhook without the object {OBJECT} is ignored"]
    found: list[Update] = []
    ignored: list[str] = []
    for entry in _objects(body.get("entry")):
        for change in _objects(entry.get("changes")):
            value = _object(change.get("value"))
            number = _text(_object(value.get("metadata")).get("phone_number_id"))
            if change.get("field") != FIELD:
                ignored.append(f"a change of the field {_text(change.get('field'))[:64]!r} is ignored")
            elif number != phone_number_id:
                ignored.append(f"a change of the phone number {number[:32]!r} is ignored")
            else:
                _split(value, found, ignored)
    return found, ignored


def _split(value: Json, found: list[Update], ignored: list[str]) -> None:
    """Append the updates of a change to `found`, and a line about each ignored part to `ignored`."""
    contacts, messages = list(_objects(value.get("contacts"))), list(_objects(value.get("messages")))
    only = contacts[0] if len(contacts) == len(messages) == 1 else {}
    for message in messages:
        _append_message(message, _contact_of(message, contacts) or only, found, ignored)
    for status in _objects(value.get("statuses")):
        _append_status(status, found, ignored)
    for error in _objects(value.get("errors")):
        key = hashlib.sha256(json.dumps(error, sort_keys=True).encode()).hexdigest()
        found.append(Update("error", key, "", "", "", {"error": error}))


def _append_message(message: Json, contact: Json, found: list[Update], ignored: list[str]) -> None:
    wamid, kind = _text(message.get("id")), _text(message.get("type"))
    user = _user(message.get("from"), contact.get("wa_id"), message.get("from_user_id"), contact.get("user_id"))
    if not wamid or not user:
        ignored.append(f"a message of type {kind[:32]!r} without an id or a sender is ignored: {wamid[:256]!r}")
    elif message.get("group_id"):
        ignored.append(f"a message in a group is ignored: {wamid}")
    elif INBOUND.get(kind, ANY_OTHER).onprem:
        content = {"message": message, **({"contact": contact} if contact else {})}
        found.append(Update("message", wamid, user, wamid, "", content))


def _append_status(status: Json, found: list[Update], ignored: list[str]) -> None:
    wamid, kind = _text(status.get("id")), _text(status.get("status"))
    user = _user(status.get("recipient_id"), status.get("recipient_user_id"))
    if not wamid or kind not in STATUSES:
        ignored.append(f"a status {kind[:32]!r} is ignored: {wamid[:256]!r}")
    elif status.get("recipient_type") == "group":
        ignored.append(f"a status of a message to a group is ignored: {wamid}")
    elif STATUSES[kind].onprem == DELETED:
        found.append(Update("deletion", wamid, user, wamid, "", {"deletion": status}))
    elif STATUSES[kind].onprem:
        callback_data = _text(status.get("biz_opaque_callback_data"))
        found.append(Update("status", f"{wamid}/{kind}", user, wamid, callback_data, {"status": status}))


def referenced_wamids(update: Update) -> set[str]:
    """Return the ids in the Cloud API of the messages that an update refers to and that may be the cluster's. Never raises."""
    if update.kind in ("status", "deletion"):
        return {update.wamid}
    message = _object(update.content.get("message"))
    references = (_object(message.get("context")).get("id"), _object(message.get("reaction")).get("message_id"))
    return {reference for reference in references if isinstance(reference, str) and reference}


def identity(update: Update) -> tuple[str, str] | None:
    """Return (user, hash) of the identity that an update carries, None without one. The number's identity check must be on."""
    value = _object(update.content.get("contact")).get("identity_key_hash") or _object(
        update.content.get("status")
    ).get("recipient_identity_key_hash")
    return (update.user, value) if update.user and isinstance(value, str) and value else None


def to_events(update: Update, message_ids: Mapping[str, str]) -> list[UpstreamEvent]:
    """Return the events of an update. Never raises.

    message_ids: id in the Cloud API -> the cluster's id, of the messages of `referenced_wamids`. A status of a message that is neither among them
    nor named by the callback data causes no event.
    """
    if update.kind == "status":
        return _status_events(update, _object(update.content.get("status")), message_ids)
    if update.kind == "message":
        return _message_events(update, _object(update.content.get("message")), message_ids)
    if update.kind == "deletion":
        return [_deletion(update, _object(update.content.get("deletion")), message_ids)]
    if update.kind == "error":
        error = onprem_error(_object(update.content.get("error")))
        return [UpstreamEvent(update.key, "inbound", 0, {"errors": [error]})]
    return []


def _status_events(update: Update, status: Json, message_ids: Mapping[str, str]) -> list[UpstreamEvent]:
    rule = STATUSES.get(_text(status.get("status")))
    at = timestamp(status.get("timestamp"))
    if rule is None or not rule.onprem:
        return []
    correlation = parse_correlation_id(update.callback_data)
    message_id = message_ids.get(update.wamid) or (correlation[1] if correlation else None)
    if message_id is None:
        return []
    payload: dict[str, Any] = _billing(status)
    if rule.onprem == "failed":
        errors = [onprem_error(error) for error in _objects(status.get("errors"))]
        payload["errors"] = errors or [{"code": GENERIC, "title": TITLES[GENERIC]}]
    return [UpstreamEvent(message_id, rule.onprem, at, payload)]


def _deletion(update: Update, status: Json, message_ids: Mapping[str, str]) -> UpstreamEvent:
    at = timestamp(status.get("timestamp"))
    deleted = {
        "id": message_ids.get(update.wamid, update.wamid),
        "recipient_id": update.user,
        "status": DELETED,
        "timestamp": str(at),
    }
    return UpstreamEvent(update.wamid, "inbound", at, {"statuses": [deleted]})


def _billing(status: Json) -> dict[str, Any]:
    """Return `conversation` and `pricing` of a status with the names that on-premises clients know."""
    conversation = _copied("conversation", status.get("conversation"))
    if conversation:
        if "expiration_timestamp" in conversation:
            conversation["expiration_timestamp"] = str(conversation["expiration_timestamp"])
        origin = conversation.get("origin", {})
        if "type" in origin:
            origin["type"] = CATEGORIES.get(origin["type"], origin["type"])
    pricing = _copied("pricing", status.get("pricing"))
    if pricing:
        if "billable" not in pricing and (kind := _object(status.get("pricing")).get("type")) is not None:
            pricing["billable"] = kind == "regular"
        for name, known in (("category", CATEGORIES), ("pricing_model", PRICING_MODELS)):
            if name in pricing:
                pricing[name] = known.get(pricing[name], pricing[name])
    return {name: value for name, value in (("conversation", conversation), ("pricing", pricing)) if value}


def _message_events(update: Update, message: Json, message_ids: Mapping[str, str]) -> list[UpstreamEvent]:
    kind, content = _content(message)
    at = timestamp(message.get("timestamp"))
    errors = [onprem_error(error) for error in _objects(message.get("errors"))]
    result: dict[str, Any] = {"from": update.user, "id": update.wamid, "timestamp": str(at)}
    if content:
        result |= {"type": kind, kind: content}
    else:
        result["type"] = "unknown"
        errors = _unknown_type(message, errors)
    context = _copied("context", message.get("context"))
    for holder, name in ((context, "id"), (content if kind == "reaction" else {}, "message_id")):
        if name in holder:
            holder[name] = message_ids.get(holder[name], holder[name])
    parts = {"context": context, "referral": _copied("referral", message.get("referral")), "errors": errors}
    result |= {name: part for name, part in parts.items() if part}
    webhook: dict[str, Any] = {"messages": [result]}
    contact = _object(update.content.get("contact"))
    if contact:
        webhook = {"contacts": [_contact(contact, update.user)], **webhook}
    return [UpstreamEvent(update.wamid, "inbound", at, webhook)]


def _content(message: Json) -> tuple[str, Any]:
    """Return the type on-premises of a message and its content, None without a counterpart."""
    kind = _text(message.get("type"))
    rule, given = INBOUND.get(kind, ANY_OTHER), message.get(kind)
    if rule.field is None:
        return rule.onprem, None
    if kind == "system":
        return kind, _notice(_object(given))
    if kind == "interactive":
        form = _text(_object(given).get("type"))
        reply = copy_field(SHAPES, REPLIES[form], _object(given).get(form)) if form in REPLIES else None
        return kind, {"type": form, form: reply} if reply else None
    content = copy_field(SHAPES, rule.field, given, _file)
    return "voice" if kind == "audio" and _object(given).get("voice") is True else rule.onprem, content


def _file(_field: Field, given: Json) -> dict[str, Any]:
    """Return the file in a message: its reference, type and digest."""
    reference = _text(given.get("id"))
    mime_type = given.get("mime_type")
    digest = hexadecimal(given.get("sha256"))
    known_type = isinstance(mime_type, str) and 0 < len(mime_type) <= LONGEST_TYPE
    return {
        **({"reference": reference} if 0 < len(reference) <= LONGEST_REFERENCE else {"status": "undownloaded"}),
        "mime_type": mime_type if known_type else "application/octet-stream",
        **({"sha256": digest} if digest else {}),
    }


def _notice(system: Json) -> dict[str, Any] | None:
    """Return the content of a system message, None for a notice that on-premises does not know."""
    kind, _note, _source = SYSTEM.get(_text(system.get("type")), ("", "", ""))
    content = {"type": kind, **_copied("notice", system)}
    if kind == NUMBER_CHANGED:
        user = _user(system.get("wa_id"), system.get("new_wa_id"), system.get("user_id"))
        return {**content, "new_wa_id": user} if user else None
    if kind == IDENTITY_CHANGED:
        return content
    return None


def _unknown_type(message: Json, errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the errors of a message that on-premises does not know, or that has no content."""
    kind = _text(message.get("type"))
    if errors and INBOUND.get(kind, ANY_OTHER).field is not None:
        return errors  # such as a file that is too large
    unsupported = _text(_object(message.get("unsupported")).get("type")) or (kind if not errors else "")
    details = [error["details"] for error in errors if "details" in error]
    details += [f"type {unsupported[:64]}"] if unsupported else []
    return [{"code": UNKNOWN_TYPE, "title": TITLES[UNKNOWN_TYPE], "details": ", ".join(details)}]


def _contact_of(message: Json, contacts: list[Json]) -> Json:
    """Return the contact of a message's sender, {} without one."""
    for name, of_contact in (("from", "wa_id"), ("from_user_id", "user_id")):
        for contact in contacts:
            if message.get(name) and message.get(name) == contact.get(of_contact):
                return contact
    return {}


def _contact(contact: Json, user: str) -> dict[str, Any]:
    profile = _object(contact.get("profile"))
    name = _text(profile.get("name")) or _text(profile.get("username"))
    return {**({"profile": {"name": name}} if name else {}), "wa_id": user}


def timestamp(value: object) -> int:
    """Return seconds since 1970 of a timestamp in seconds or milliseconds, 0 for anything else."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"[0-9]{1,15}", text):
        return 0
    number = int(text)
    return number // 1000 if number >= MILLISECONDS_FROM else number


def hexadecimal(digest: object) -> str | None:
    """Return a SHA-256 digest in hexadecimal, given as that or in base64; None for anything else."""
    if not isinstance(digest, str):
        return None
    if re.fullmatch(r"[0-9A-Fa-f]{64}", digest):
        return digest.lower()
    try:
        raw = base64.b64decode(digest, altchars=b"-_" if re.search("[-_]", digest) else None, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw.hex() if len(raw) == 32 else None


def _user(*candidates: object) -> str:
    """Return the first phone number, in digits, or id of a user; "" without one."""
    for candidate in candidates:
        text = _text(candidate)
        digits = re.sub(r"[+\s()-]", "", text)
        if digits.isascii() and digits.isdigit():
            text = digits
        if 0 < len(text) <= LONGEST_USER:
            return text
    return ""


def _copied(shape: str, value: object) -> dict[str, Any]:
    copied: dict[str, Any] = copy_field(SHAPES, Field(shape, shape=shape), _object(value))
    return copied


def _object(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _objects(value: object) -> Iterator[Json]:
    yield from (entry for entry in value if isinstance(entry, Mapping)) if isinstance(value, list) else ()


def _text(value: object) -> str:
    """Return a text, or the text of a number; "" for anything else."""
    return (
        value
        if isinstance(value, str)
        else str(value)
        if isinstance(value, int) and not isinstance(value, bool)
        else ""
    )


def _clean(value: object, depth: int = 0) -> Any:
    """Return JSON that every database and client accepts: without lone surrogates, numbers beyond 64 bits, and levels deeper than DEEPEST."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return value if -(2**63) <= value < 2**63 else None
    if depth == DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {_clean(name): _clean(entry, depth + 1) for name, entry in value.items()}
    return [_clean(entry, depth + 1) for entry in value] if isinstance(value, list) else None
