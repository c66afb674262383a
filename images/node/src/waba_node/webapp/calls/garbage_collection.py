"""Services: garbage collection (vendor facts, section 2.10). That an admin must ask for it is ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from ...rpc import RpcError
from ..answers import MediaCollection, MessageCollections
from ..errors import ApiError
from ..fan_out import ask_everyone
from ..routing import as_api_error
from .table import ADMIN, Call, CallTable

if TYPE_CHECKING:
    from ..process import Webapp

PROCESSING = {"status": "processing"}


async def collect_messages(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """PUT /v1/services/message/gc: delete messages that are through. Every coreapp does its own, and tells the end by a webhook."""
    answers = await ask_everyone(webapp, "gc.messages", roles=("coreapp",))
    refusals = [answer for answer in answers.values() if isinstance(answer, RpcError)]
    if len(refusals) == len(answers):
        raise as_api_error(refusals[0]) if refusals else ApiError(1014, "there is no coreapp")
    nodes = {address.node_id: collection(answer) for address, answer in answers.items()}
    return 200, {"services": {"message": {"gc": nodes}}}


def collection(answer: dict | RpcError) -> dict:
    """Return what is told of one coreapp; that a failed one has its errors beside those that began is ours."""
    if isinstance(answer, RpcError):
        return {"status": "failed", "errors": [as_api_error(answer).as_dict()]}
    return PROCESSING


async def collect_media(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """PUT /v1/services/media/gc: delete media that were not used for 30 days. The primary master does it, and tells the end by a webhook."""
    await webapp.router.primary_master("gc.media", {})
    return 200, {"services": {"media": {"gc": PROCESSING}}}


CALLS: CallTable = [
    Call("PUT", "/v1/services/message/gc", ADMIN, collect_messages, answers={200: MessageCollections}),
    Call("PUT", "/v1/services/media/gc", ADMIN, collect_media, answers={200: MediaCollection}),
]
