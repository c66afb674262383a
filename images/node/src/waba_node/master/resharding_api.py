"""What the primary master does for POST /v1/account/shards: it asks for another number of shards; its own loop brings it about."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ..control.promotion import ready
from ..control.sharding import ALLOWED, refusal
from ..rpc import RpcError
from ..store import documents, resharding
from .documents_api import require_pin

if TYPE_CHECKING:
    from .process import Master

PATIENCE = 3.0  # seconds that the caller waits for the new map, which comes all the same


def register(master: Master) -> None:
    """Let a master answer the call."""

    async def change(payload: dict) -> dict:
        """Change the number of shards: cc, phone_number, shards, pin. Return whether the map has it already.

        Raises RpcError 1009 for a number that is not allowed, 1011 while too few coreapps run, 1005 for another phone number than the
        registered one or a wrong pin, 1017 when this master has just lost its lease.
        """
        shards, settings = payload["shards"], master.settings
        coreapps = await master.look_at_coreapps()
        running = sum(ready(one, settings.heartbeat_interval, settings.unhealthy_interval) for one in coreapps.values())
        if (problem := refusal(shards, running)) is not None:
            if shards in ALLOWED:
                raise RpcError(1011, "Service not ready", problem)
            raise RpcError(1009, "Parameter value is not valid", problem)
        async with master.database.begin() as connection:
            if not await master.still_primary(connection):
                raise RpcError(1017, "Not Primary Master", "the lease has passed on")
            account = await documents.read_document(connection, documents.ACCOUNT)
            number = {"cc": payload["cc"], "phone_number": payload["phone_number"]}
            # An upstream that registers nobody takes any number.
            expected = account.get("registered", None if master.upstream.requires_registration else number)
            if expected != number:
                raise RpcError(1005, "Access denied", "this phone number is not the registered one")
            await require_pin(connection, payload["pin"])
            await resharding.request_shards(connection, shards)
        master.released.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while len(master.shards) != shards:
                    await asyncio.sleep(0.1)
        return {"done": len(master.shards) == shards}

    master.master_method("account.shards", change)
