"""RPC method of the primary master for POST /v1/account/shards. It records the request; the shard manager carries it out."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ..control.failure_detector import ready
from ..control.sharding import ALLOWED, refusal
from ..rpc import Payload, RpcError
from ..store import documents, resharding
from .documents_api import require_pin

if TYPE_CHECKING:
    from .process import Master

PATIENCE = 3.0  # seconds that the caller waits for the new map; it is drawn later all the same


def register(master: Master) -> None:
    """Answer `account.shards`."""

    async def change(payload: Payload) -> Payload:
        """Request another number of shards: cc, phone_number, shards, pin. Return `done`, whether the map has it already.

        Raises RpcError 1009 for a number that is not allowed, 1011 while too few coreapps are ready, 1005 for another phone number than
        the registered one or a wrong PIN, 1017 when this master has just lost its lease.
        """
        shards, settings = payload["shards"], master.settings
        coreapps = await master.monitor.observe()
        running = sum(ready(one, settings.heartbeat_interval, settings.unhealthy_interval) for one in coreapps.values())
        if (problem := refusal(shards, running)) is not None:
            if shards in ALLOWED:
                raise RpcError(1011, "Service not ready", problem)
            raise RpcError(1009, "Parameter value is not valid", problem)
        async with master.database.begin() as connection:
            if not await master.holds_lease(connection):
                raise RpcError(1017, "Not Primary Master", "another master has taken the lease")
            account = await documents.read_document(connection, documents.ACCOUNT)
            number = {"cc": payload["cc"], "phone_number": payload["phone_number"]}
            # An upstream that requires no registration accepts any number.
            expected = account.get("registered", None if master.upstream.requires_registration else number)
            if expected != number:
                raise RpcError(1005, "Access denied", "this phone number is not the registered one")
            await require_pin(connection, payload["pin"])
            await resharding.request_shards(connection, shards)
        manager = master.shard_manager
        manager.changed.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while len(manager.shards) != shards:
                    await asyncio.sleep(0.1)
        return {"done": len(manager.shards) == shards}

    master.add_leader_method("account.shards", change)
