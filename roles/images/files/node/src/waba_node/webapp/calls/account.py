"""Registration of the number, and the number of shards (docs/reference/vendor-contract.md#profile-and-account and #shards)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from ...store import ownership
from ..routing import UPSTREAM_TIMEOUT
from ..schema.account import Register, Registration, ShardCount, Shards, Verify
from ..schema.common import Done
from .table import ADMIN, Call, CallTable, JsonBody, Result

if TYPE_CHECKING:
    from ..process import Webapp


async def register_account(webapp: Webapp, _request: web.Request, body: Register) -> Result:
    """POST /v1/account: request a registration code. 202 if a code was sent, 201 if the number is already registered."""
    answer = await webapp.router.call_primary_master("account.register", msgspec.to_builtins(body), UPSTREAM_TIMEOUT)
    return (201, {}) if answer["registered"] else (202, {"account": [{"vname": answer["name"]}]})


async def verify_account(webapp: Webapp, _request: web.Request, body: Verify) -> Result:
    """POST /v1/account/verify: complete the registration with the code."""
    await webapp.router.call_primary_master("account.verify", {"code": body.code}, UPSTREAM_TIMEOUT)
    return 201, None


async def read_shards(webapp: Webapp, _request: web.Request) -> Result:
    """GET /v1/account/shards: the number of shards in the shard map."""
    async with webapp.database.begin() as connection:
        return 200, {"account": {"shards": await ownership.count_shards(connection)}}


async def change_shards(webapp: Webapp, _request: web.Request, body: Shards) -> Result:
    """POST /v1/account/shards: change the number of shards. 201 once the change is stored; GET shows when it is complete.

    During the change, which takes some seconds, messages are refused with 1018.
    """
    await webapp.router.call_primary_master("account.shards", msgspec.to_builtins(body))
    return 201, {}


CALLS: CallTable = [
    Call("POST", "/v1/account", ADMIN, register_account, JsonBody(Register), {201: Done, 202: Registration}),
    Call("POST", "/v1/account/verify", ADMIN, verify_account, JsonBody(Verify), {201: None}),
    Call("GET", "/v1/account/shards", ADMIN, read_shards, answers={200: ShardCount}),
    Call("POST", "/v1/account/shards", ADMIN, change_shards, JsonBody(Shards), {201: Done}),
]
