"""Registration of the number (vendor facts, section 2.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from ..requests import Register, Verify, converted, read_object
from .table import ADMIN, CallTable

if TYPE_CHECKING:
    from ...webapp import Webapp


async def register_account(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """POST /v1/account: 202 when a code is on its way, 201 when the number is registered already."""
    body = converted(await read_object(request), Register)
    answer = await webapp.router.primary_master("account.register", msgspec.to_builtins(body))
    return (201, {}) if answer["registered"] else (202, {"account": [{"vname": "Rehearsal"}]})


async def verify_account(webapp: Webapp, request: web.Request) -> tuple[int, None]:
    """POST /v1/account/verify: 201 with an empty body."""
    body = converted(await read_object(request), Verify)
    await webapp.router.primary_master("account.verify", {"code": body.code})
    return 201, None


CALLS: CallTable = [
    ("POST", "/v1/account", ADMIN, register_account),
    ("POST", "/v1/account/verify", ADMIN, verify_account),
]
