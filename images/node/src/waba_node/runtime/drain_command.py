"""Taking the node of this container out of service, and back: what `docker exec CONTAINER python3 -m waba_node drain` does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from ..address import NodeAddress, PortName
from ..clock import now
from ..config import NodeConfig
from ..rpc import RpcError
from ..store.engine import DATABASE_ERRORS, error_summary
from .node import Node

log = logging.getLogger(__name__)

CALL_TIMEOUT = 20.0  # seconds: finishing what is in flight takes that long at the most
PATIENCE = 30.0  # seconds
POLL = 0.1  # seconds

Call = Callable[..., Awaitable[dict]]


@contextlib.asynccontextmanager
async def node_of_this_container(config: NodeConfig, patience: float = PATIENCE) -> AsyncIterator[Call]:
    """Yield a function that calls a method of the running node, with the cluster's secret and the database's time.

    patience: seconds for the database's answer.
    """
    caller = Node(config)
    address = NodeAddress(config.node_id, str(config.role), "127.0.0.1", config.listen_ports)

    async def call(method: str, **payload: object) -> dict:
        return await caller.client.call(address, PortName.CONTROL, method, payload, CALL_TIMEOUT)

    try:
        async with asyncio.timeout(patience):
            await caller.hear_the_time()
            await caller.look_at_secret()
        yield call
    finally:
        await caller.client.close()
        await caller.database.close()


async def drain(config: NodeConfig, force: bool, timeout: float) -> int:
    """Take the node out of service, and wait until another does its work. Return the exit status, 1 when it was refused or took too long."""
    began = now()
    try:
        async with node_of_this_container(config, timeout) as call:
            await call("drain", force=force)
            waits_for = said = ""
            while not said or now() - began < timeout:
                if not (waits_for := (await call("drain.status"))["waits_for"]):
                    log.info("%s is out of service after %.1f s", config.node_id, now() - began)
                    return 0
                if waits_for != said:
                    said = waits_for
                    log.info("waiting for %s", waits_for)
                await asyncio.sleep(POLL)
            log.error("%s is out of service, but after %.0f s still waits for %s", config.node_id, timeout, waits_for)
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
        log.error("%s was not put back into service: %s", config.node_id, error.details)
        return 1
    except DATABASE_ERRORS as error:
        log.error(
            "%s was not put back into service: the database does not answer: %s", config.node_id, error_summary(error)
        )
        return 1
    log.info("%s is back in service", config.node_id)
    return 0
