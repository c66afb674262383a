"""Sending messages, and saying that one was read (vendor facts, section 2.6)."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

from aiohttp import web

from ...address import PortName
from ...store import contacts, inbox, outbox
from ...store import media as store
from ...store.documents import PROVIDERS
from ..answers import Accepted
from ..errors import ApiError
from ..message import Message, MessageStatus, media_of, misfit, payload_of
from . import documents
from .table import USER, Call, CallTable, JsonBody

if TYPE_CHECKING:
    from ..process import Webapp


async def send_message(webapp: Webapp, _request: web.Request, message: Message) -> tuple[int, dict]:
    """POST /v1/messages: send a message; answered once it is in the database."""
    payload = payload_of(message)
    if media := media_of(message):
        await know_providers(webapp, {part.provider.name for _kind, part in media if part.provider is not None})
        await use_uploaded(webapp, [(kind, part.id) for kind, part in media if part.id is not None])
    if webapp.settings.show_security_notifications:
        await see_acknowledged(webapp, payload["to"])
    message_id = "gBGG" + base64.urlsafe_b64encode(secrets.token_bytes(15)).decode()
    await webapp.router.send(outbox.as_row({"message_id": message_id, "recipient": payload["to"], "payload": payload}))
    return 200, {"messages": [{"id": message_id}]}


async def use_uploaded(webapp: Webapp, uploaded: list[tuple[str, str]]) -> None:
    """See that uploaded files are there and fit, and keep them: (kind, id) each. Raises ApiError 1006 for one that is not there."""
    ids = [media_id for _kind, media_id in uploaded]
    if not ids:
        return
    async with webapp.database.begin() as connection:
        known = await store.find_media(connection, ids)
        for kind, media_id in uploaded:
            if media_id not in known:
                raise ApiError(1006, f"there is no media with the id {media_id}", 400)
            if problem := misfit(kind, known[media_id].mime_type, known[media_id].size or 0):
                raise problem
        if not await store.use_media(connection, ids):
            raise ApiError(1006, "the media were deleted a moment ago", 400)


async def know_providers(webapp: Webapp, names: set[str]) -> None:
    """See that the media providers that links name are in the settings. Raises ApiError 1006 for one that is not."""
    if names and (unknown := names - (await documents.kept(webapp, PROVIDERS)).keys()):
        raise ApiError(1006, f"there is no media provider {min(unknown)} in the settings", 400)


async def see_acknowledged(webapp: Webapp, wa_id: str) -> None:
    """Raise ApiError 1028 while a change of the recipient's identity is not acknowledged (that it is refused at once is ours)."""
    async with webapp.database.begin() as connection:
        if await contacts.awaits_acknowledgement(connection, wa_id):
            raise ApiError(
                1028, f"the identity of {wa_id} has changed; acknowledge it with PUT /v1/contacts/{wa_id}/identity"
            )


async def mark_message(webapp: Webapp, request: web.Request, _body: MessageStatus) -> tuple[int, dict]:
    """PUT /v1/messages/{id}: mark a message that came in as read. A second time changes nothing."""
    message_id = request.match_info["id"]
    async with webapp.database.begin() as connection:
        sender = await inbox.sender_of(connection, message_id)
    if sender is None:
        raise ApiError(1006, "no message with this id came in")
    await webapp.router.to_owner(sender, PortName.MESSAGING, "messages.read", {"message_id": message_id})
    return 200, {}


CALLS: CallTable = [
    Call("POST", "/v1/messages", USER, send_message, JsonBody(Message), {200: Accepted}),
    Call("PUT", "/v1/messages/{id}", USER, mark_message, JsonBody(MessageStatus)),
]
