"""Garbage collection on request (docs/reference/vendor-contract.md#messages and #media). Restricting it to administrators is our decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from ...rpc import RpcError
from ..errors import ApiError
from ..fan_out import call_every_node
from ..routing import as_api_error
from ..schema.messaging import MediaCollection, MessageCollections
from .table import ADMIN, Call, CallTable, Result

if TYPE_CHECKING:
    from ..process import Webapp

PROCESSING = {"status": "processing"}


async def collect_messages(webapp: Webapp, _request: web.Request) -> Result:
    """PUT /v1/services/message/gc: delete finished messages. Every coreapp deletes its own and reports the end by webhook."""
    answers = await call_every_node(webapp, "gc.messages", roles=("coreapp",))
    refusals = [answer for answer in answers.values() if isinstance(answer, RpcError)]
    if len(refusals) == len(answers):
        raise as_api_error(refusals[0]) if refusals else ApiError(1014, "the cluster has no coreapp")
    nodes = {address.node_id: _collection(answer) for address, answer in answers.items()}
    return 200, {"services": {"message": {"gc": nodes}}}


def _collection(answer: dict[str, Any] | RpcError) -> dict[str, Any]:
    """Return the entry of one coreapp. An entry with errors, beside those that started, is our addition."""
    if isinstance(answer, RpcError):
        return {"status": "failed", "errors": [as_api_error(answer).as_dict()]}
    return PROCESSING


async def collect_media(webapp: Webapp, _request: web.Request) -> Result:
    """PUT /v1/services/media/gc: delete media unused for 30 days. The primary master deletes them and reports the end by webhook."""
    await webapp.router.call_primary_master("gc.media", {})
    return 200, {"services": {"media": {"gc": PROCESSING}}}


CALLS: CallTable = [
    Call("PUT", "/v1/services/message/gc", ADMIN, collect_messages, answers={200: MessageCollections}),
    Call("PUT", "/v1/services/media/gc", ADMIN, collect_media, answers={200: MediaCollection}),
]
