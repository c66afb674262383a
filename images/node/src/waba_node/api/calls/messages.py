"""Sending messages (vendor facts, section 2.6)."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from ..answers import Accepted
from ..errors import ApiError
from ..requests import TextMessage, converted
from .table import USER, Call, CallTable, JsonBody

if TYPE_CHECKING:
    from ...webapp import Webapp

MESSAGE_TYPES = (
    "text", "image", "video", "audio", "document", "sticker", "template", "hsm", "interactive", "location", "contacts"
)  # fmt: skip


async def send_message(webapp: Webapp, _request: web.Request, body: dict) -> tuple[int, dict]:
    """POST /v1/messages: answered once the message is in the database."""
    kind = body.get("type", "text")
    if kind not in MESSAGE_TYPES:
        raise ApiError(1009, f"type must be one of {', '.join(MESSAGE_TYPES)}")
    if kind != "text":
        raise ApiError(1009, f"messages of type {kind} are not supported yet")
    message = converted(body, TextMessage)
    message_id = "gBGG" + base64.urlsafe_b64encode(secrets.token_bytes(15)).decode()
    recipient = message.to.lstrip("+")
    payload = {**msgspec.to_builtins(message), "to": recipient}
    await webapp.router.send({"message_id": message_id, "recipient": recipient, "payload": payload})
    return 200, {"messages": [{"id": message_id}]}


CALLS: CallTable = [
    Call("POST", "/v1/messages", USER, send_message, JsonBody(TextMessage, as_sent=True), {200: Accepted}),
]
