"""Backup and restore with the programs in the server's container, and with only the documented privileges."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import sqlalchemy as sa
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io import archiving, backup_archive
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io.client import DatabaseClient
from ansible_collections.waba.cluster.plugins.modules import backup
from conftest import CLUSTER, Server, run_command
from test_node import config
from waba_node.store import backup as node_backup
from waba_node.store import documents, master_lease, schema
from waba_node.store.engine import Database

NAME = "small_waba"
CONTENT = {"text": "with 'quotes', \\ and \U0001f40b"}
NEGOTIATED = ("node_secret", "primary_secret")


async def test_a_restore_returns_everything_except_negotiated_secrets(
    server: Server, small_account: str, tmp_path: Path
) -> None:
    async def allowed(_connection: object) -> bool:
        return True

    database = Database(config(server, user=small_account, name=NAME))
    await database.ensure()
    async with database.begin() as connection:
        await master_lease.create_table(connection)
    await schema.upgrade(database, allowed)
    async with database.begin() as connection:
        for name in ("a document", *NEGOTIATED):
            await documents.write_document(connection, name, CONTENT)
        await connection.execute(sa.text("UPDATE shard_map SET epoch = 41"))

    account = {
        "name": NAME,
        "user": small_account,
        "password": server.password,
        "password_file": None,
        "host": None,
        "tls_ca": None,
    }
    archive = str(tmp_path / "backup.tar")
    async with database.begin() as connection:
        facts = dataclasses.asdict(await node_backup.read_info(connection))
    params = {"path": archive, "cluster_name": CLUSTER, "database": account, "media": None, "database_info": facts}
    backup.back_up(params, run_command)
    async with database.begin() as connection:
        await connection.execute(sa.text("UPDATE shard_map SET epoch = 43"))
        await connection.execute(sa.text("DELETE FROM document WHERE name = 'a document'"))
        before = await node_backup.read_info(connection)
    await database.close()

    client = DatabaseClient(run_command, CLUSTER, account)
    manifest = backup_archive.unpack(archive, str(tmp_path))
    archiving.load(client, NAME, manifest, str(tmp_path))
    database = Database(config(server, user=small_account, name=NAME))
    async with database.begin() as connection:
        await node_backup.secure_restored(connection, before.epoch, before.takeover_delay)
    await database.close()
    rows = dict(client.rows("SELECT name, HEX(content) FROM document;", NAME))
    assert json.loads(bytes.fromhex(rows["a document"])) == CONTENT
    assert set(rows) & set(NEGOTIATED) == set()
    assert all(int(epoch) > 43 for (epoch,) in client.rows("SELECT epoch FROM shard_map;", NAME))
    client.rows(f"DROP DATABASE {NAME};")
