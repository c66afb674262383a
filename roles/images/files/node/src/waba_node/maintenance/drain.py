"""Takes the node of this container out of service and back: `docker exec CONTAINER python3 -m waba_node drain`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from ..address import NodeAddress, PortName
from ..clock import now
from ..config import NodeConfig
from ..rpc import Payload, RpcError
from ..runtime.node import Node
from ..store.engine import DATABASE_ERRORS, error_summary

log = logging.getLogger(__name__)

CALL_TIMEOUT = 20.0  # seconds: a connection ends what is in flight in less
DATABASE_TIMEOUT = 30.0  # seconds
POLL = 0.1  # seconds

Call = Callable[..., Awaitable[Payload]]


@contextlib.asynccontextmanager
async def node_of_this_container(config: NodeConfig, timeout: float = DATABASE_TIMEOUT) -> AsyncIterator[Call]:
    """Yield a function that calls an RPC method of the running node, with the cluster's secret and the database's time.

    timeout: seconds for the database's answer.
    """
    caller = Node(config)
    address = NodeAddress(config.node_id, str(config.role), "127.0.0.1", config.listen_ports)

    async def call(method: str, **payload: object) -> Payload:
        return await caller.client.call(address, PortName.CONTROL, method, payload, CALL_TIMEOUT)

    try:
        async with asyncio.timeout(timeout):
            await caller.read_database_time()
            await caller.check_secret()
        yield call
    finally:
        await caller.client.close()
        await caller.database.close()


async def drain(config: NodeConfig, force: bool, timeout: float) -> int:
    """Take the node out of service, and wait until others do its work. Return the exit status: 1 after a refusal or a timeout."""
    began = now()
    try:
        async with node_of_this_container(config, timeout) as call:
            await call("drain", force=force)
            pending = logged = ""
            while not logged or now() - began < timeout:
                if not (pending := (await call("drain.status"))["pending"]):
                    log.info("%s is out of service after %.1f s", config.node_id, now() - began)
                    return 0
                if pending != logged:
                    logged = pending
                    log.info("waiting for %s", pending)
                await asyncio.sleep(POLL)
            log.error("%s is out of service, but after %.0f s still waits for %s", config.node_id, timeout, pending)
    except RpcError as error:
        log.error("%s was not drained: %s", config.node_id, error.details)
    except DATABASE_ERRORS as error:
        log.error("%s was not drained: the database does not answer: %s", config.node_id, error_summary(error))
    return 1


async def resume(config: NodeConfig) -> int:
    """Put the node back into service. Return the exit status."""
    try:
        async with node_of_this_container(config) as call:
            await call("resume")
    except RpcError as error:
        log.error("%s was not resumed: %s", config.node_id, error.details)
        return 1
    except DATABASE_ERRORS as error:
        log.error("%s was not resumed: the database does not answer: %s", config.node_id, error_summary(error))
        return 1
    log.info("%s is back in service", config.node_id)
    return 0
