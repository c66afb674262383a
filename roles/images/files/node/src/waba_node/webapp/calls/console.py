"""The state of the cluster for the console (docs/operate/console.md). The call is our addition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from ..console.files import DATA_HEADERS
from ..errors import ApiError
from ..schema.console import Console
from .table import ADMIN, Call, CallTable, Result

if TYPE_CHECKING:
    from ..process import Webapp


async def read_console(webapp: Webapp, request: web.Request) -> Result:
    """GET /v1/console: nodes, shards, queues, failovers and certificates, as the console displays them. The call is our addition.

    A part that cannot be read is null and does not delay the others. The answer is at most a second old.
    """
    if not webapp.config.console:
        raise ApiError(1006, "the console is switched off (waba_console)")
    request["headers"] = DATA_HEADERS
    return 200, {"console": await webapp.console.read()}


CALLS: CallTable = [
    Call("GET", "/v1/console", ADMIN, read_console, answers={200: Console}),
]
