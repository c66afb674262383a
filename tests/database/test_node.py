"""The node with a real server: with TLS, and with only the documented privileges."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import sqlalchemy as sa
from authority import Authority
from conftest import Server
from sqlalchemy.exc import DBAPIError
from waba_node.config import DatabaseConfig
from waba_node.store import master_lease, schema
from waba_node.store.engine import Database


def config(server: Server, **changes: object) -> DatabaseConfig:
    plain = DatabaseConfig("localhost", server.port, "waba", server.password, "waba", 180.0, server.authority.ca)
    return dataclasses.replace(plain, **changes)


async def test_nodes_connect_with_tls(server: Server) -> None:
    database = Database(config(server))
    async with database.begin() as connection:
        cipher = (await connection.execute(sa.text("SHOW SESSION STATUS LIKE 'Ssl_cipher'"))).one()
    await database.close()
    assert cipher[1].startswith("TLS_")


@pytest.mark.parametrize("tls", [True, False])
async def test_nodes_log_in_when_the_server_has_cached_no_password(server: Server, tls: bool) -> None:
    server.root("FLUSH PRIVILEGES")  # clears the password cache of MySQL
    database = Database(config(server, **({} if tls else {"tls_ca": ""})))
    async with database.begin() as connection:
        assert (await connection.execute(sa.text("SELECT 1"))).scalar_one() == 1
    await database.close()


@pytest.mark.parametrize("case", ["another authority", "another name"])
async def test_nodes_refuse_a_server_with_an_invalid_certificate(server: Server, tmp_path: Path, case: str) -> None:
    changes = {
        "another authority": {"tls_ca": Authority(tmp_path, "others").ca},
        "another name": {"host": "127.0.0.2"},
    }
    database = Database(config(server, **changes[case]))
    with pytest.raises(DBAPIError):
        async with database.begin():
            pass
    await database.close()


async def test_the_documented_privileges_are_sufficient_to_create_database_and_schema(
    server: Server, small_account: str
) -> None:
    async def allowed(_connection: object) -> bool:
        return True

    database = Database(config(server, user=small_account, name="small_waba"))
    await database.ensure()
    async with database.begin() as connection:
        await master_lease.create_table(connection)
    await schema.upgrade(database, allowed)
    async with database.begin() as connection:
        assert await schema.find_mismatch(connection) is None
        await connection.execute(sa.text("DROP DATABASE small_waba"))
    await database.close()
