"""Migrations of the schema, and the nodes that work with it (docs/adr/0008-expand-and-contract-migrations.md)."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from ..config import VERSION
from ..control import compatibility
from ..control.compatibility import Migration, RunningNode
from .engine import NO_SUCH_TABLE, PATIENT_CONNECT_TIMEOUT, Database
from .metadata import NOW, Moment, metadata
from .node_registry import node

if TYPE_CHECKING:
    from alembic.config import Config

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
# The name of a lock is valid for the whole server, which may hold several databases. On a cluster it is valid on one member only.
LOCK = sa.text("SELECT GET_LOCK(CONCAT('waba_schema_', LEFT(SHA2(DATABASE(), 256), 32)), 60)")
UNLOCK = sa.text("SELECT RELEASE_LOCK(CONCAT('waba_schema_', LEFT(SHA2(DATABASE(), 256), 32)))")
CURRENT = sa.text("SELECT version_num FROM alembic_version")  # Alembic's own table

# Created before any migration, like the lease: it records every migration, also for nodes that do not know it.
history = sa.Table(
    "schema_history",
    metadata,
    sa.Column("revision", sa.String(32), primary_key=True),
    sa.Column("oldest_node", sa.String(32), nullable=False),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("begun_at", Moment, nullable=False),
    mysql_engine="InnoDB",
)


class SchemaError(Exception):
    """The schema cannot be upgraded now; the text has the reason and the remedy."""


@functools.cache
def known_revisions() -> tuple[str, ...]:
    """Return the revisions that this version of the node knows, oldest first. From file names: Alembic would cost every node memory."""
    return tuple(sorted(path.name.split("_", 1)[0] for path in MIGRATIONS.glob("versions/[0-9]*_*.py")))


async def read_revision(connection: AsyncConnection) -> str | None:
    """Return the revision of the present schema, or None without one."""
    return next(iter(await _rows(connection, CURRENT)), None)


async def find_mismatch(connection: AsyncConnection) -> str | None:
    """Return why this version cannot work with the present schema, or None."""
    current = await read_revision(connection)
    floors = await _rows(connection, sa.select(history.c.oldest_node).distinct())
    return compatibility.incompatibility(current, floors, known_revisions())


async def _rows(connection: AsyncConnection, query: sa.Executable) -> list[str]:
    try:
        return list((await connection.execute(query)).scalars())
    except DBAPIError as error:
        if error.orig is None or error.orig.args[:1] != (NO_SUCH_TABLE,):
            raise
        return []


async def upgrade(database: Database, allowed: Callable[[AsyncConnection], Awaitable[bool]]) -> bool:
    """Bring the schema up to date as long as `allowed` says so; return whether that was done. Raises SchemaError while nodes run that would
    not work afterwards.

    allowed: makes the transaction in which it is asked fail if the permission ends before its commit. It is asked for every migration.
    MySQL ends a transaction at every change of a table, and the named lock keeps a second process out on one database server only, so every
    migration can be repeated.
    """
    # A change of a large table takes long.
    patient = Database(database.config, read_timeout=None, connect_timeout=PATIENT_CONNECT_TIMEOUT)
    try:
        async with patient.engine.connect() as connection:
            if (await connection.execute(LOCK)).scalar_one() != 1:
                log.warning("another process has been upgrading the schema for a minute")
                return False
            try:
                return await _upgrade(connection, allowed)
            finally:
                await connection.execute(UNLOCK)
    finally:
        await patient.close()


async def _upgrade(connection: AsyncConnection, allowed: Callable[[AsyncConnection], Awaitable[bool]]) -> bool:
    if not await allowed(connection):
        return False
    await connection.commit()  # the lease must not stay locked while tables change
    before = await connection.run_sync(_current)
    pending = await connection.run_sync(_prepare)
    await connection.commit()
    for migration in pending:
        if not await allowed(connection):
            return False
        # Before the tables change, so that no node that is too old starts meanwhile.
        await connection.run_sync(_begin, migration)
        await connection.commit()
        await connection.run_sync(_migrate, migration)
        await connection.commit()
    if pending:
        log.info("schema upgraded from %s to %s", before or "nothing", await connection.run_sync(_current))
    return True


async def read_status(database: Database) -> dict[str, Any]:
    """Return the revisions, the pending migrations with the nodes that block them, and the nodes. Read-only."""
    async with database.begin() as connection:
        facts = await connection.run_sync(_read_status)
        return {"version": VERSION, **facts, "mismatch": await find_mismatch(connection)}


def _read_status(connection: Connection) -> dict[str, Any]:
    migrations, current = _migrations(), _current(connection)
    nodes, applied = _nodes(connection), _applied(connection)
    pending = []
    for migration in _pending(migrations, current):
        blocking = compatibility.blockers(migration, applied, nodes, VERSION)
        pending.append({**asdict(migration), "blockers": [f"{one.name} ({one.version})" for one in blocking]})
    return {
        "revision": current,
        "head": migrations[-1].revision,
        "pending": pending,
        "nodes": [asdict(one) for one in nodes],
    }


def _prepare(connection: Connection) -> list[Migration]:
    """Create and complete the history; return the migrations to apply, oldest first."""
    migrations, current = _migrations(), _current(connection)
    if current not in (None, *(migration.revision for migration in migrations)):
        log.warning("the schema is at %s, which is newer than this version; it stays as it is", current)
        return []
    history.create(connection, checkfirst=True)
    pending = _pending(migrations, current)
    for migration in migrations:
        if migration not in pending:
            _record(connection, migration, "")
    return pending


def _begin(connection: Connection, migration: Migration) -> None:
    """Record that a migration begins. Raises SchemaError when running nodes would not work afterwards."""
    blocking = compatibility.blockers(migration, _applied(connection), _nodes(connection), VERSION)
    if blocking:
        names = ", ".join(f"{one.name} (version {one.version})" for one in blocking)
        raise SchemaError(
            f"the schema stays at {_current(connection)}: after revision {migration.revision} these nodes could not work: {names}. "
            "Stop or upgrade them first"
        )
    _record(connection, migration, VERSION)


def _migrate(connection: Connection, migration: Migration) -> None:
    from alembic import command

    command.upgrade(_alembic(connection), migration.revision)


def _record(connection: Connection, migration: Migration, version: str) -> None:
    values = {"oldest_node": migration.oldest_node, "version": version, "begun_at": NOW}
    # A row that exists was written by an interrupted run, and stays.
    connection.execute(
        insert(history)
        .values(revision=migration.revision, **values)
        .on_duplicate_key_update(revision=migration.revision)
    )


def _alembic(connection: Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _migrations() -> list[Migration]:
    """Return every migration that this version knows, oldest first."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_alembic()).walk_revisions()
    return [Migration(one.revision, one.doc, one.module.oldest_node) for one in scripts][::-1]


def _pending(migrations: Sequence[Migration], current: str | None) -> list[Migration]:
    revisions = [migration.revision for migration in migrations]
    if current is None:
        return list(migrations)
    return list(migrations[revisions.index(current) + 1 :]) if current in revisions else []


def _current(connection: Connection) -> str | None:
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def _has(connection: Connection, table: sa.Table) -> bool:
    return sa.inspect(connection).has_table(table.name)


def _applied(connection: Connection) -> dict[str, str]:
    if not _has(connection, history):
        return {}
    return {row.revision: row.version for row in connection.execute(sa.select(history))}


def _nodes(connection: Connection) -> list[RunningNode]:
    if not _has(connection, node):
        return []
    silent = sa.func.timestampdiff(sa.text("SECOND"), node.c.reported_at, NOW).label("silent")
    rows = connection.execute(sa.select(node.c.node_id, node.c.version, silent).order_by(node.c.node_id))
    return [RunningNode(row.node_id, row.version, float(row.silent)) for row in rows]
