"""The migrations create exactly the tables of the code, also after an interrupted run and when two run at once."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import json
import os
import pkgutil
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from tests.conftest import dropped_afterwards
from waba_node import store
from waba_node.address import NodeAddress
from waba_node.config import DATABASE, VERSION, DatabaseConfig
from waba_node.control.lease import takeover_delay
from waba_node.control.ownership import fencing_window
from waba_node.store import documents, master_lease, node_registry, ownership, schema
from waba_node.store.engine import Database
from waba_node.store.metadata import metadata


async def allowed(_connection: object) -> bool:
    return True


def differences(connection: sa.Connection) -> list[Any]:
    """Return what separates the database from the metadata."""
    for module in pkgutil.iter_modules(store.__path__, f"{store.__name__}."):
        importlib.import_module(module.name)  # each adds its tables
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_tables_and_migrations_agree(database: Database) -> None:
    async with database.begin() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_second_upgrade_changes_nothing(database: Database) -> None:
    await schema.upgrade(database, allowed)
    async with database.begin() as connection:
        assert await ownership.count_shards(connection) == 1


async def test_a_process_that_is_not_allowed_upgrades_nothing(database_server: DatabaseConfig) -> None:
    async def forbidden(_connection: object) -> bool:
        return False

    config = dataclasses.replace(database_server, name=f"{database_server.name}{secrets.token_hex(4)}")
    async with dropped_afterwards(config) as database:
        await database.ensure()
        await schema.upgrade(database, forbidden)
        async with database.begin() as connection:
            assert (await connection.execute(sa.text("SHOW TABLES"))).all() == []


async def test_an_interrupted_upgrade_is_finished_and_two_at_once_do_not_meet(database_server: DatabaseConfig) -> None:
    config = dataclasses.replace(database_server, name=f"{database_server.name}{secrets.token_hex(4)}")
    async with dropped_afterwards(config) as database:
        await database.ensure()
        async with database.begin() as connection:
            await master_lease.create_table(connection)
            await connection.run_sync(node_registry.node.create)
        await asyncio.gather(schema.upgrade(database, allowed), schema.upgrade(database, allowed))
        async with database.begin() as connection:
            assert await connection.run_sync(differences) == []


# -- which nodes work with it --------------------------------------------------------------------------------------------


def test_every_migration_names_the_oldest_node_for_the_schema_afterwards() -> None:
    migrations = schema._migrations()
    revisions = [migration.revision for migration in migrations]
    assert tuple(revisions) == schema.known_revisions()
    for position, migration in enumerate(migrations):
        assert migration.oldest_node in revisions[: position + 1], migration


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A function that makes this process version 1.1.0, with one more migration whose `oldest_node` is given."""
    last = schema.known_revisions()[-1]

    def become(oldest_node: str) -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(schema.MIGRATIONS, folder)
        (folder / "versions/9999_test.py").write_text(
            f'"""A column more."""\nfrom alembic import op\nimport sqlalchemy as sa\nrevision = "9999"\ndown_revision = "{last}"\n'
            f'oldest_node = "{oldest_node}"\ndef upgrade():\n    op.add_column("node", sa.Column("shoe_size", sa.Integer))\n'
        )
        monkeypatch.setattr(schema, "MIGRATIONS", folder)
        monkeypatch.setattr(schema, "VERSION", "1.1.0")
        schema.known_revisions.cache_clear()

    yield become
    monkeypatch.undo()
    schema.known_revisions.cache_clear()


async def register_old_node(database: Database) -> None:
    address = NodeAddress("core:old", "coreapp", "core", (1, 2, 3, 4))
    async with database.begin() as connection:
        await node_registry.register(connection, address, "incarnation", "1.0.0")


async def find_mismatch(database: Database) -> str | None:
    async with database.begin() as connection:
        return await schema.find_mismatch(connection)


async def test_an_expanding_migration_runs_while_older_nodes_run(
    database: Database, next_version: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    await register_old_node(database)
    next_version("0001")
    assert "waits for the schema's upgrade" in str(await find_mismatch(database))
    (pending,) = (await schema.read_status(database))["pending"]
    assert pending == {"revision": "9999", "title": "A column more.", "oldest_node": "0001", "blockers": []}
    assert await schema.upgrade(database, allowed)
    assert await find_mismatch(database) is None
    assert (await schema.read_status(database))["pending"] == []
    monkeypatch.undo()
    schema.known_revisions.cache_clear()
    assert await find_mismatch(database) is None, "for the older version too"
    assert await schema.upgrade(database, allowed), "which leaves the newer schema alone"
    await register_old_node(database)


async def test_a_contracting_migration_waits_for_older_nodes_to_stop_and_excludes_them_afterwards(
    database: Database, next_version: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    last = schema.known_revisions()[-1]
    await register_old_node(database)
    next_version("9999")
    assert (await schema.read_status(database))["pending"][0]["blockers"] == ["core:old (1.0.0)"]
    with pytest.raises(
        schema.SchemaError,
        match=r"these nodes could not work: core:old \(version 1\.0\.0\)\. Stop or upgrade them first",
    ):
        await schema.upgrade(database, allowed)
    async with database.begin() as connection:
        await node_registry.remove(connection, "core:old", "incarnation")
    assert await schema.upgrade(database, allowed)
    monkeypatch.undo()
    schema.known_revisions.cache_clear()
    assert f"this version knows {last}: it is too old" in str(await find_mismatch(database))


async def test_schema_status_prints_only_json_to_standard_output(database: Database) -> None:
    config = database.config
    environment = {
        **os.environ,
        "WA_DB_UPGRADE": "1",
        "WA_DB_HOSTNAME": config.host,
        "WA_DB_PORT": str(config.port),
        "WA_DB_USERNAME": config.user,
        "WA_DB_PASSWORD": config.password,
        "WA_DB_NAME_PREFIX": config.name,
    }
    command = [sys.executable, "-m", "waba_node"]
    nothing = subprocess.run([*command, "schema-status"], env=environment, capture_output=True, check=False)
    assert nothing.returncode == 1
    assert nothing.stdout == b""
    assert b"Unknown database" in nothing.stderr
    made = dataclasses.replace(config, name=config.name + DATABASE)
    async with dropped_afterwards(made):
        assert subprocess.run([*command, "run"], env=environment, capture_output=True, check=False).returncode == 0
        printed = subprocess.run([*command, "schema-status"], env=environment, capture_output=True, check=True)
    facts = json.loads(printed.stdout)
    assert facts == {
        "version": VERSION,
        "revision": schema.known_revisions()[-1],
        "head": schema.known_revisions()[-1],
        "pending": [],
        "nodes": [],
        "mismatch": None,
    }


async def test_migration_0005_ends_the_renewals_of_older_processes_and_stores_a_delay_for_them(
    database: Database,
) -> None:
    """An owner of revision 0004 may be connected when the migration runs; it can renew nothing afterwards."""
    async with database.begin() as connection:
        await documents.write_document(connection, documents.SETTINGS, {"unhealthy_interval": 60})
        for statement in (
            "ALTER TABLE shard_map DROP INDEX one_shard_per_process, DROP COLUMN renewal, DROP COLUMN takeover_delay, "
            "DROP COLUMN released_epoch, ADD COLUMN fence_until DATETIME(6) NOT NULL",
            "ALTER TABLE api_user DROP COLUMN guard",
            "UPDATE shard_map SET owner = 'c1', incarnation = 'a', epoch = 7, fence_until = UTC_TIMESTAMP(6)",
            "UPDATE alembic_version SET version_num = '0004'",
            "DELETE FROM schema_history WHERE revision > '0004'",
        ):
            await connection.execute(sa.text(statement))
    await schema.upgrade(database, allowed)
    async with database.begin() as connection:
        assert await connection.run_sync(differences) == []
        (row,) = await ownership.read_map(connection)
    assert (row.owner, row.counter, row.fenced) == ("c1", (7, 0), False)
    assert row.takeover_delay == pytest.approx(takeover_delay(fencing_window(60)))


async def test_every_migration_asks_whether_it_is_still_allowed(database_server: DatabaseConfig) -> None:
    """A master that loses the lease in the middle of an upgrade stops there; the next one goes on."""
    config = dataclasses.replace(database_server, name=f"{database_server.name}{secrets.token_hex(4)}")
    asked = 0

    async def allowed_twice(_connection: object) -> bool:
        nonlocal asked
        asked += 1
        return asked <= 2

    async with dropped_afterwards(config) as database:
        await database.ensure()
        async with database.begin() as connection:
            await master_lease.create_table(connection)
        assert not await schema.upgrade(database, allowed_twice)
        assert (await schema.read_status(database))["revision"] == "0001"
        assert await schema.upgrade(database, allowed)
