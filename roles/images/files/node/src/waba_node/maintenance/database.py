"""Commands on the database: wait for it, upgrade its schema, support backup and restore, and remove nodes.

Each prints one JSON object on the standard output, except `wait-for-database` and the upgrade, and logs its problems.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from ..config import CLOUD, NodeConfig
from ..store import backup, master_lease, node_registry, schema
from ..store.backup import DatabaseInfo
from ..store.engine import DATABASE_ERRORS, PATIENT_CONNECT_TIMEOUT, UNKNOWN_DATABASE, Database, error_summary

log = logging.getLogger(__name__)

POLL = 0.5  # seconds


async def wait_for_database(config: NodeConfig) -> int:
    """Wait until the database server accepts the node's account, and log what keeps it from that. Return the exit status."""
    database = Database(config.database, connect_timeout=PATIENT_CONNECT_TIMEOUT)
    logged, began = "", time.monotonic()
    while True:
        try:
            await database.ensure()
            break
        except DATABASE_ERRORS as error:
            if (reason := error_summary(error)) != logged:
                logged = reason
                log.warning("waiting for the database %s:%d: %s", config.database.host, config.database.port, reason)
            await asyncio.sleep(POLL)
    await database.close()
    log.info("the database answers after %.1f s", time.monotonic() - began)
    return 0


async def upgrade_schema(config: NodeConfig) -> int:
    """Upgrade the schema once, without a cluster (docs/reference/vendor-contract.md#upgrades). Return the exit status."""

    async def allowed(_connection: AsyncConnection) -> bool:
        return True

    database = Database(config.database, connect_timeout=PATIENT_CONNECT_TIMEOUT)
    try:
        await database.ensure()
        async with database.begin() as connection:
            await master_lease.create_table(connection)
        done = await schema.upgrade(database, allowed)
    except schema.SchemaError as error:
        log.error("%s", error)
        return 1
    except DATABASE_ERRORS as error:
        log.error("the schema could not be upgraded: %s", error_summary(error))
        return 1
    finally:
        await database.close()
    if done:
        log.info("the schema is up to date")
    return 0 if done else 1


async def print_schema_status(config: NodeConfig) -> int:
    """Print the schema's revision, the pending migrations, and the running nodes that block them."""
    return await _print(config, schema.read_status)


async def print_info(config: NodeConfig) -> int:
    """Print the state of the database: see store.backup.DatabaseInfo. A missing database is empty."""

    async def read(database: Database) -> dict[str, Any]:
        try:
            async with database.begin() as connection:
                return asdict(await backup.read_info(connection))
        except DBAPIError as error:
            if error.orig is None or error.orig.args[:1] != (UNKNOWN_DATABASE,):
                raise
            return asdict(DatabaseInfo())

    return await _print(config, read)


async def secure_restored(config: NodeConfig, epoch: int, takeover_delay: float | None) -> int:
    """Make a restored database safe to start from: see store.backup.secure_restored. Print nothing but {}."""

    async def secure(database: Database) -> dict[str, Any]:
        async with database.begin() as connection:
            await backup.secure_restored(connection, epoch, takeover_delay, idempotent=config.upstream != CLOUD)
        return {}

    return await _print(config, secure)


async def forget_nodes(config: NodeConfig, hostnames: Sequence[str], dry_run: bool) -> int:
    """Remove the nodes of lost hosts from the registry. Print {"nodes": their names}. dry_run: remove nothing."""

    async def forget(database: Database) -> dict[str, Any]:
        async with database.begin() as connection:
            nodes = await node_registry.find_on_hosts(connection, hostnames)
            if not dry_run:
                await node_registry.forget(connection, nodes)
        return {"nodes": nodes}

    return await _print(config, forget)


async def _print(config: NodeConfig, command: Callable[[Database], Awaitable[dict[str, Any]]]) -> int:
    """Print what a command returns as JSON. Return the exit status."""
    database = Database(config.database, connect_timeout=PATIENT_CONNECT_TIMEOUT)
    try:
        print(json.dumps(await command(database)))
    except DATABASE_ERRORS as error:
        log.error("the database %s:%d: %s", config.database.host, config.database.port, error_summary(error))
        return 1
    finally:
        await database.close()
    return 0
