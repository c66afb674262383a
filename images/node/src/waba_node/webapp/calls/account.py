"""Registration of the number (vendor facts, section 2.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from ...store import ownership
from ..answers import Done, Registration, ShardCount
from ..requests import Register, Shards, Verify
from .table import ADMIN, Call, CallTable, JsonBody

if TYPE_CHECKING:
    from ..process import Webapp


async def register_account(webapp: Webapp, _request: web.Request, body: Register) -> tuple[int, dict]:
    """POST /v1/account: ask for a registration code; 202 when a code is on its way, 201 when the number is registered already."""
    answer = await webapp.router.primary_master("account.register", msgspec.to_builtins(body))
    return (201, {}) if answer["registered"] else (202, {"account": [{"vname": "Rehearsal"}]})


async def verify_account(webapp: Webapp, _request: web.Request, body: Verify) -> tuple[int, None]:
    """POST /v1/account/verify: the registration ends with the code; 201 with an empty body."""
    await webapp.router.primary_master("account.verify", {"code": body.code})
    return 201, None


async def show_shards(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """GET /v1/account/shards: how many shards the shard map has now."""
    async with webapp.database.begin() as connection:
        return 200, {"account": {"shards": await ownership.count_shards(connection)}}


async def change_shards(webapp: Webapp, _request: web.Request, body: Shards) -> tuple[int, dict]:
    """POST /v1/account/shards: another number of shards; 201 once it is written down, GET says when it is done.

    Until then, some seconds, messages are refused with 1018.
    """
    await webapp.router.primary_master("account.shards", msgspec.to_builtins(body))
    return 201, {}


CALLS: CallTable = [
    Call("POST", "/v1/account", ADMIN, register_account, JsonBody(Register), {201: Done, 202: Registration}),
    Call("POST", "/v1/account/verify", ADMIN, verify_account, JsonBody(Verify), {201: None}),
    Call("GET", "/v1/account/shards", ADMIN, show_shards, answers={200: ShardCount}),
    Call("POST", "/v1/account/shards", ADMIN, change_shards, JsonBody(Shards), {201: Done}),
]
