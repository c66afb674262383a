"""Two-step verification: a PIN that a registration of the number must bring (vendor facts, section 2.5). Only its hash is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from ...passwords import hashed
from ...store.documents import TWO_STEP
from ..requests import Pin
from . import documents
from .table import ADMIN, Call, CallTable, JsonBody

if TYPE_CHECKING:
    from ..process import Webapp

PATH = "/v1/settings/account/two-step"


async def enable_two_step(webapp: Webapp, _request: web.Request, body: Pin) -> tuple[int, dict]:
    """POST /v1/settings/account/two-step: from now on a registration needs this PIN of six digits."""
    await documents.put(webapp, TWO_STEP, {"pin": await hashed(body.pin)})
    return 200, {}


async def disable_two_step(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """DELETE /v1/settings/account/two-step: a registration needs no PIN any more."""
    await documents.remove(webapp, TWO_STEP)
    return 200, {}


CALLS: CallTable = [
    Call("POST", PATH, ADMIN, enable_two_step, JsonBody(Pin)),
    Call("DELETE", PATH, ADMIN, disable_two_step),
]
