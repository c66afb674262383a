"""Backup and restore by the programs in the server's own container, with no more privileges than the documented ones."""

from __future__ import annotations

import json

import sqlalchemy as sa
from ansible_collections.waba.cluster.plugins.module_utils.database.io import backup_archive
from ansible_collections.waba.cluster.plugins.module_utils.database.io.client import DatabaseClient
from ansible_collections.waba.cluster.plugins.modules import backup, restore
from conftest import CLUSTER, Server
from test_node import config
from waba_node.store import documents, master_lease, schema
from waba_node.store.engine import Database

NAME = "small_waba"
KEPT = {"text": "with 'quotes', \\ and \U0001f40b"}
AGREED = ("node_secret", "primary_secret")


async def test_what_was_backed_up_comes_back_but_for_what_the_nodes_agreed_on(
    server: Server, small_account: str, tmp_path
) -> None:
    async def allowed(_connection: object) -> bool:
        return True

    database = Database(config(server, user=small_account, name=NAME))
    await database.ensure()
    async with database.begin() as connection:
        await master_lease.create_table(connection)
    await schema.upgrade(database, allowed)
    async with database.begin() as connection:
        for name in ("kept", *AGREED):
            await documents.write_document(connection, name, KEPT)
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
    backup.make({"path": archive, "cluster_name": CLUSTER, "database": account, "media": None})
    async with database.begin() as connection:
        await connection.execute(sa.text("UPDATE shard_map SET epoch = 43"))
        await documents.delete_document(connection, "kept")
    await database.close()

    client, manifest = DatabaseClient(CLUSTER, account), backup_archive.unpack(archive, str(tmp_path))
    restore.load(client, NAME, manifest, restore.look(client, NAME)["tables"], str(tmp_path))
    rows = dict(client.rows("SELECT name, HEX(content) FROM document;", NAME))
    assert json.loads(bytes.fromhex(rows["kept"])) == KEPT
    assert set(rows) & set(AGREED) == set()
    assert all(int(epoch) > 43 for (epoch,) in client.rows("SELECT epoch FROM shard_map;", NAME))
    client.rows(f"DROP DATABASE {NAME};")
