"""Two-step verification: a PIN that a registration must include (docs/reference/vendor-contract.md#two-step).

The database has only its hash. An upstream with an account of its own gets the PIN itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from ...passwords import hashed
from ...store.documents import TWO_STEP
from .. import documents
from ..schema.account import Pin
from .table import ADMIN, Call, CallTable, JsonBody, Result

if TYPE_CHECKING:
    from ..process import Webapp

PATH = "/v1/settings/account/two-step"


async def enable_two_step(webapp: Webapp, _request: web.Request, body: Pin) -> Result:
    """POST /v1/settings/account/two-step: require this PIN of six digits for a registration."""
    pin = body.pin if documents.is_at_upstream(webapp, TWO_STEP) else await hashed(body.pin)
    await documents.replace(webapp, TWO_STEP, {"pin": pin})
    return 200, {}


async def disable_two_step(webapp: Webapp, _request: web.Request) -> Result:
    """DELETE /v1/settings/account/two-step: require no PIN for a registration."""
    await documents.clear(webapp, TWO_STEP)
    return 200, {}


CALLS: CallTable = [
    Call("POST", PATH, ADMIN, enable_two_step, JsonBody(Pin)),
    Call("DELETE", PATH, ADMIN, disable_two_step),
]
