"""The schema, by migrations."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from .engine import Database

log = logging.getLogger(__name__)

LOCK = sa.text("SELECT GET_LOCK('waba_schema', 60)")
UNLOCK = sa.text("SELECT RELEASE_LOCK('waba_schema')")


async def upgrade(database: Database, allowed: Callable[[AsyncConnection], Awaitable[bool]]) -> None:
    """Bring the schema up to date while `allowed` holds (the seed: the primary master alone does it).

    MySQL ends a transaction at every change of a table, so a named lock keeps a second process out for the whole of it.
    """
    async with database.engine.connect() as connection:
        await connection.execute(LOCK)
        try:
            if await allowed(connection):
                await connection.run_sync(_upgrade)
                await connection.commit()
        finally:
            await connection.execute(UNLOCK)


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext

    before = MigrationContext.configure(connection).get_current_revision()
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    after = MigrationContext.configure(connection).get_current_revision()
    if before != after:
        log.info("schema upgraded from %s to %s", before or "nothing", after)
