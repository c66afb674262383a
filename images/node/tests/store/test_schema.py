"""The migrations make exactly the tables that the code speaks of, also after an interrupted run and when two run at once."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import pkgutil
import secrets

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from tests.conftest import dropped_afterwards
from waba_node import store
from waba_node.store import cluster, schema
from waba_node.store.metadata import metadata


async def allowed(_connection: object) -> bool:
    return True


def differences(connection: sa.Connection) -> list:
    for module in pkgutil.iter_modules(store.__path__, f"{store.__name__}."):
        importlib.import_module(module.name)  # each brings its tables
    return compare_metadata(MigrationContext.configure(connection), metadata)


async def test_tables_and_migrations_agree(database) -> None:
    async with database.begin() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_second_upgrade_changes_nothing(database) -> None:
    await schema.upgrade(database, allowed)
    async with database.begin() as connection:
        assert await cluster.shard_count(connection) == 1


async def test_who_is_not_allowed_upgrades_nothing(database_server) -> None:
    async def forbidden(_connection: object) -> bool:
        return False

    config = dataclasses.replace(database_server, name=f"{database_server.name}{secrets.token_hex(4)}")
    async with dropped_afterwards(config) as database:
        await database.ensure()
        await schema.upgrade(database, forbidden)
        async with database.begin() as connection:
            assert (await connection.execute(sa.text("SHOW TABLES"))).all() == []


async def test_an_interrupted_upgrade_is_finished_and_two_at_once_do_not_meet(database_server) -> None:
    config = dataclasses.replace(database_server, name=f"{database_server.name}{secrets.token_hex(4)}")
    async with dropped_afterwards(config) as database:
        await database.ensure()
        async with database.begin() as connection:
            await cluster.create_lease_table(connection)
            await connection.run_sync(cluster.node.create)
        await asyncio.gather(schema.upgrade(database, allowed), schema.upgrade(database, allowed))
        async with database.begin() as connection:
            assert await connection.run_sync(differences) == []
