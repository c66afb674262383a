"""Messages of users, of every type: https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages."""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from typing import Annotated, Any

from msgspec import Meta, Struct

from .errors import GraphError

FILES = {  # type -> the content type of its file
    "image": "image/png",
    "video": "video/mp4",
    "audio": "audio/mpeg",
    "voice": "audio/ogg; codecs=opus",
    "document": "application/pdf",
    "sticker": "image/webp",
}
SIMPLE: dict[str, dict[str, Any]] = {  # type of the request -> the message without its common properties
    "location": {
        "type": "location",
        "location": {"latitude": 52.5, "longitude": 13.4, "name": "Office", "address": "Main street 1"},
    },
    "contacts": {
        "type": "contacts",
        "contacts": [
            {
                "name": {"first_name": "Bob", "formatted_name": "Bob"},
                "phones": [{"phone": "+1 555 765 4321", "wa_id": "15557654321", "type": "CELL"}],
                "vcard": "BEGIN:VCARD",
                "origin": "other",
            }
        ],
    },
    "button": {"type": "button", "button": {"payload": "later", "text": "Later"}},
    "button_reply": {
        "type": "interactive",
        "interactive": {"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}},
    },
    "list_reply": {
        "type": "interactive",
        "interactive": {"type": "list_reply", "list_reply": {"id": "t1", "title": "9 to 12", "description": "Today"}},
    },
    "nfm_reply": {
        "type": "interactive",
        "interactive": {
            "type": "nfm_reply",
            "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"flow_token":"t"}'},
        },
    },
    "call_permission_reply": {
        "type": "interactive",
        "interactive": {"type": "call_permission_reply", "call_permission_reply": {"response": "accept"}},
    },
    "order": {
        "type": "order",
        "order": {
            "catalog_id": "1",
            "text": "Please",
            "product_items": [{"product_retailer_id": "p1", "quantity": 2, "item_price": 3.5, "currency": "USD"}],
        },
    },
    "request_welcome": {"type": "request_welcome"},
    "edit": {
        "type": "edit",
        "edit": {"original_message_id": "wamid.OLD", "message": {"type": "text", "text": {"body": "new"}}},
    },
    "revoke": {"type": "revoke", "revoke": {"original_message_id": "wamid.OLD"}},
    "unsupported": {
        "type": "unsupported",
        "errors": [
            {
                "code": 131051,
                "title": "Message type unknown",
                "message": "Message type unknown",
                "error_data": {"details": "Message type is currently not supported."},
            }
        ],
        "unsupported": {"type": "poll_creation"},
    },
    "unavailable": {
        "type": "unsupported",
        "errors": [
            {
                "code": 131060,
                "title": "Message unavailable",
                "message": "Message unavailable",
                "error_data": {"details": "This message is currently unavailable."},
            }
        ],
        "unsupported": {"type": "media_placeholder"},
    },
    "group": {"type": "text", "text": {"body": "Hello group"}, "group_id": "Y2FwaV9ncm91cDox"},
}
REFERRAL = {
    "source_url": "https://fb.me/1",
    "source_id": "120",
    "source_type": "ad",
    "headline": "Offer",
    "body": "Half price",
    "media_type": "image",
    "image_url": "https://scontent.xx.fbcdn.net/1",
    "ctwa_clid": "ARA",
    "welcome_message": {"text": "Hi"},
}
TYPES = (
    "text",
    *FILES,
    *SIMPLE,
    "reaction",
    "user_changed_number",
    "user_changed_user_id",
    "customer_identity_changed",
)


class Inbound(Struct, forbid_unknown_fields=True, rename={"sender": "from"}):
    """A message that a user sends. type: one of TYPES."""

    type: str = "text"
    sender: Annotated[str, Meta(pattern="^[0-9]{5,15}$")] = "15551234567"
    name: str = "Ada"
    text: str = "Hello"
    username: str = ""  # with it the webhook has no number of the user
    user_id: str = ""  # BSUID; empty for one made of the number
    id: str = ""  # wamid; empty for a new one
    context: str = ""  # the wamid of the message that is quoted
    forwarded: bool = False
    referral: bool = False
    milliseconds: bool = False  # a time stamp as seen once
    content: str = ""  # of a file, in base64; empty for a small one
    mime_type: str = ""
    filename: str = "invoice.pdf"
    extra: dict[str, Any] = {}  # replaces or adds properties of the message
    count: Annotated[int, Meta(ge=1, le=100_000)] = 1  # messages, from as many users as `users` says
    users: Annotated[int, Meta(ge=1)] = 1
    copies: Annotated[int, Meta(ge=1)] = 1  # of the same message


def picture() -> bytes:
    """Return a PNG of 8 by 8 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\x00" + bytes([30, 120, 60] * 8) for _row in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def sample(kind: str) -> bytes:
    """Return a small file of a type."""
    starts = {
        "video": b"\x00\x00\x00\x18ftypmp42",
        "audio": b"ID3",
        "voice": b"OggS",
        "document": b"%PDF-1.4",
        "sticker": b"RIFF\x24\x00\x00\x00WEBPVP8 ",
    }
    return picture() if kind == "image" else starts[kind] + bytes(range(256))


def file_of(request: Inbound) -> tuple[bytes, str]:
    """Return the content of a message's file and its content type."""
    content = base64.b64decode(request.content) if request.content else sample(request.type)
    return content, request.mime_type or FILES[request.type]


def file_object(request: Inbound, media_id: str, url: str, content: bytes, mime_type: str) -> dict[str, Any]:
    """Return the object of a file in a webhook, whose sha256 is base64."""
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    found: dict[str, Any] = {"id": media_id, "mime_type": mime_type, "sha256": digest}
    if url:
        found["url"] = url
    if request.type == "document":
        found["filename"] = request.filename
    if request.type in ("audio", "voice"):
        found["voice"] = request.type == "voice"
    if request.type == "sticker":
        found["animated"] = False
    if request.type in ("image", "video", "document") and request.text != "Hello":
        found["caption"] = request.text
    return found


def content_of(request: Inbound, file: dict[str, Any] | None, user_id: str) -> dict[str, Any]:
    """Return what distinguishes a message of a type. Raises GraphError for an unknown one."""
    kind = request.type
    if kind == "text":
        return {"type": "text", "text": {"body": request.text}}
    if file is not None:
        name = "audio" if kind == "voice" else kind
        return {"type": name, name: file}
    if kind == "reaction":
        return {"type": "reaction", "reaction": {"message_id": request.context or "wamid.OLD", "emoji": request.text}}
    if kind in SIMPLE:
        return dict(SIMPLE[kind])
    changed = {
        "user_changed_number": {"wa_id": "15557654321"},
        "user_changed_user_id": {"wa_id": "15557654321", "user_id": f"{user_id}9"},
        "customer_identity_changed": {"customer": request.sender, "identity": "hash"},
    }
    if kind not in changed:
        raise GraphError(100, f"type {kind!r} is not one of {', '.join(TYPES)}")
    body = f"User {request.name} changed from {request.sender} to 15557654321"
    return {"type": "system", "system": {"body": body, **changed[kind], "type": kind}}


def context_of(request: Inbound, business: str) -> dict[str, Any]:
    """Return the context of a message, empty for none."""
    context: dict[str, Any] = {}
    if request.context and request.type != "reaction":
        context = {"from": business, "id": request.context}
    if request.forwarded:
        context["forwarded"] = True
    return context
