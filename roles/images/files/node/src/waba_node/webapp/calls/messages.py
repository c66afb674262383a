"""Sending messages, and marking received ones as read (docs/reference/vendor-contract.md#messages)."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING

from aiohttp import web

from ...address import PortName
from ...store import contacts, inbox, outbox
from ...store import media as media_store
from ...store.documents import PROVIDERS
from .. import documents
from ..errors import ApiError
from ..message import MediaReference, Message, MessageStatus, check_media_limits, media_of, payload_of
from ..schema.messaging import Accepted
from .table import USER, Call, CallTable, JsonBody, Result

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ..process import Webapp


async def send_message(webapp: Webapp, _request: web.Request, message: Message) -> Result:
    """POST /v1/messages: send a message. The answer is sent once the message is stored in the database."""
    payload = payload_of(message, user_ids=webapp.config.cloud is not None)
    if media := media_of(message):
        await _require_providers(webapp, [part for _kind, part in media])
        await _use_uploads(webapp, [(kind, part.id) for kind, part in media if part.id is not None])
    if webapp.settings.show_security_notifications:
        await _require_acknowledged_identity(webapp, payload["to"])
    message_id = "gBGG" + base64.urlsafe_b64encode(secrets.token_bytes(15)).decode()
    await webapp.router.send(outbox.as_row({"message_id": message_id, "recipient": payload["to"], "payload": payload}))
    return 200, {"messages": [{"id": message_id}]}


async def _use_uploads(webapp: Webapp, uploads: list[tuple[str, str]]) -> None:
    """Check that uploaded files exist and can be sent, and record their use. uploads: (kind, id). Raises ApiError."""
    ids = [media_id for _kind, media_id in uploads]
    if not ids:
        return

    async def use(connection: AsyncConnection) -> None:
        known = await media_store.find_media(connection, ids)
        for kind, media_id in uploads:
            if media_id not in known:
                raise ApiError(1006, f"no media has the id {media_id}", 400)
            check_media_limits(kind, known[media_id].mime_type, known[media_id].size or 0)
        if not await media_store.use_media(connection, ids):
            raise ApiError(1006, "the media were deleted a moment ago", 400)

    await webapp.database.run(use)


async def _require_providers(webapp: Webapp, parts: Iterable[MediaReference]) -> None:
    """Raise ApiError 1006 unless every media provider that a link names is in the settings."""
    names = {part.provider.name for part in parts if part.provider is not None}
    if names and (unknown := names - (await documents.read(webapp, PROVIDERS)).keys()):
        raise ApiError(1006, f"the settings have no media provider {min(unknown)}", 400)


async def _require_acknowledged_identity(webapp: Webapp, wa_id: str) -> None:
    """Raise ApiError 1028 if the recipient's identity has changed and the change is not acknowledged. Refusing at once is our decision."""

    async def read(connection: AsyncConnection) -> bool:
        return await contacts.requires_acknowledgement(connection, wa_id)

    if await webapp.database.run(read):
        raise ApiError(
            1028, f"the identity of {wa_id} has changed; acknowledge it with PUT /v1/contacts/{wa_id}/identity"
        )


async def mark_message(webapp: Webapp, request: web.Request, _body: MessageStatus) -> Result:
    """PUT /v1/messages/{id}: mark a received message as read. The call is idempotent."""
    message_id = request.match_info["id"]
    async with webapp.database.begin() as connection:
        sender = await inbox.find_sender(connection, message_id)
    if sender is None:
        raise ApiError(1006, "no received message has this id")
    await webapp.router.call_owner(sender, PortName.MESSAGING, "messages.read", {"message_id": message_id})
    return 200, {}


CALLS: CallTable = [
    Call("POST", "/v1/messages", USER, send_message, JsonBody(Message), {200: Accepted}),
    Call("PUT", "/v1/messages/{id}", USER, mark_message, JsonBody(MessageStatus)),
]
