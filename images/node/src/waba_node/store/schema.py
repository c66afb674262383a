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

# The lock is the server's, not the database's, which may be one of several with a prefix each.
LOCK = sa.text("SELECT GET_LOCK(CONCAT('waba_schema_', MD5(DATABASE())), 60)")
UNLOCK = sa.text("SELECT RELEASE_LOCK(CONCAT('waba_schema_', MD5(DATABASE())))")


async def upgrade(database: Database, allowed: Callable[[AsyncConnection], Awaitable[bool]]) -> bool:
    """Bring the schema up to date if `allowed` says so (the seed: the primary master alone does it). Return whether that was done.

    MySQL ends a transaction at every change of a table, so a named lock keeps a second process out for the whole of it.
    """
    patient = Database(database.config, read_timeout=None)  # a change of a large table takes its time
    try:
        async with patient.engine.connect() as connection:
            if (await connection.execute(LOCK)).scalar_one() != 1:
                log.warning("another process has been upgrading the schema for a minute")
                return False
            try:
                if not await allowed(connection):
                    return False
                await connection.commit()  # the lease must not stay locked while tables change
                await connection.run_sync(_upgrade)
                await connection.commit()
            finally:
                await connection.execute(UNLOCK)
    finally:
        await patient.close()
    return True


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    before = MigrationContext.configure(connection).get_current_revision()
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    if before not in {None, *(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())}:
        log.warning("the schema is at %s, which is newer than this version; it stays as it is", before)
        return
    command.upgrade(config, "head")
    after = MigrationContext.configure(connection).get_current_revision()
    if before != after:
        log.info("schema upgraded from %s to %s", before or "nothing", after)
