"""Commands of the node that the collection runs around backups, restores and lost hosts."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from waba_node.address import NodeAddress
from waba_node.config import DatabaseConfig
from waba_node.control.promotion import Promotion
from waba_node.store import backup, deliveries, documents, master_lease, node_registry, outbox, ownership, schema
from waba_node.store.backup import EPOCH_JUMP, DatabaseInfo
from waba_node.store.engine import Database


def run(config: DatabaseConfig, *arguments: str) -> tuple[int, Any, str]:
    """Run a command as a one-shot container does. Return its status, its JSON and its log."""
    environment = {
        **os.environ,
        "WA_APP_MULTICONNECT": "1",
        "WA_DB_UPGRADE": "1",
        "WA_DB_HOSTNAME": config.host,
        "WA_DB_PORT": str(config.port),
        "WA_DB_USERNAME": config.user,
        "WA_DB_PASSWORD": config.password,
        "WA_DB_NAME_PREFIX": config.name.removesuffix("waba"),
    }
    command = [sys.executable, "-m", "waba_node", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


async def register(database: Database, *hostnames: str) -> None:
    """Register one coreapp per hostname, version 0.9.0."""
    async with database.begin() as connection:
        for hostname in hostnames:
            address = NodeAddress(f"{hostname}:abc", "coreapp", hostname, (1, 2, 3, 4))
            await node_registry.register(connection, address, "incarnation", "0.9.0")


@pytest.fixture
async def waba(database_server: DatabaseConfig, database: Database) -> DatabaseConfig:
    """The test's database, under a name that the environment can express."""
    return database.config


async def test_database_info_describes_the_database(database: Database, waba: DatabaseConfig) -> None:
    await register(database, "host1", "host2")
    status, info, _log = run(waba, "database-info")
    assert status == 0
    assert info["versions"] == ["0.9.0"]
    assert info["revision"] == schema.known_revisions()[-1]
    assert {"message", "node", "lease", "shard_map", "document"} <= set(info["tables"])
    async with database.begin() as connection:
        now, server = (await connection.execute(backup.NOW)).one()
    assert info["server"] == server
    assert info["taken_at"][:10] == now[:10]


async def test_a_missing_database_is_empty(database_server: DatabaseConfig) -> None:
    missing = dataclasses.replace(database_server, name=f"{database_server.name}missing_waba")
    info = json.loads(json.dumps(dataclasses.asdict(DatabaseInfo())))
    assert run(missing, "database-info")[:2] == (0, info)


async def test_an_unreachable_database_is_an_error_without_secrets(
    database_server: DatabaseConfig, free_ports: Callable[[int], tuple[int, ...]]
) -> None:
    unreachable = dataclasses.replace(database_server, port=free_ports(1)[0], password="S3cret-word")
    status, info, log = run(unreachable, "database-info")
    assert (status, info) == (1, None)
    assert "Can't connect" in log
    assert "S3cret-word" not in log


async def promote(database: Database, epoch: int, delay: float) -> None:
    """Give shard 0 to an owner that has just renewed its ownership."""
    async with database.begin() as connection:
        await connection.execute(sa.update(ownership.shard_map).values(epoch=epoch))
        await ownership.promote(connection, Promotion(0, "host1:abc", "incarnation", (epoch, 0)))
        assert await ownership.renew(connection, 0, "host1:abc", "incarnation", epoch + 1, 1, delay)


async def test_database_info_has_clients_epoch_and_takeover_delay(database: Database, waba: DatabaseConfig) -> None:
    await promote(database, 41, 3.5)
    async with database.begin():  # one open connection
        status, state, _log = run(waba, "database-info")
    assert status == 0
    assert sum(state["clients"].values()) >= 1
    assert (state["epoch"], state["takeover_delay"]) == (42, 3.5)
    async with database.begin() as connection:
        await ownership.release(connection, 0, "incarnation", 42)
    assert run(waba, "database-info")[1]["takeover_delay"] == 0


async def test_a_secured_database_has_no_owner_no_node_no_agreed_secret_and_higher_epochs(
    database: Database, waba: DatabaseConfig
) -> None:
    await register(database, "host1")
    await promote(database, 41, 3.5)
    async with database.begin() as connection:
        await documents.agree_on_secret(connection, documents.NODE_SECRET, "secret")
        await documents.write_document(connection, documents.SETTINGS, {"sent_status": False})
        lease = await master_lease.read(connection)
        assert await master_lease.take(connection, "host1:def", "incarnation", lease, 1, 30.0) == 1
    assert run(waba, "secure-restored", "--epoch", "99", "--takeover-delay", "7.5")[:2] == (0, {})
    async with database.begin() as connection:
        (shard,) = await ownership.read_map(connection)
        lease = await master_lease.read(connection)
        assert await node_registry.read_nodes(connection) == []
        assert await documents.read_document(connection, documents.NODE_SECRET) == {}
        assert await documents.read_document(connection, documents.SETTINGS) == {"sent_status": False}
    assert (shard.owner, shard.epoch, shard.renewal, shard.takeover_delay) == (None, 99 + EPOCH_JUMP, 0, 7.5)
    assert not shard.fenced
    assert (lease.epoch, lease.free) == (99 + EPOCH_JUMP, True)


@pytest.mark.parametrize("upstream", ["cloud", "loopback"])
async def test_messages_that_wait_in_a_backup_are_uncertain_with_the_cloud_api(
    database: Database, waba: DatabaseConfig, monkeypatch: pytest.MonkeyPatch, upstream: str
) -> None:
    """They may have been sent since the backup, and the Cloud API would send them again."""
    monkeypatch.setenv("WABA_UPSTREAM", upstream)
    async with database.begin() as connection:
        rows = [{"message_id": name, "bucket": 3, "recipient": "49151", "payload": {}} for name in ("m1", "m2", "m3")]
        await outbox.store_messages(connection, list(map(outbox.as_row, rows)))
        await deliveries.claim(connection, 7, {"m2": 3})
        await deliveries.record_sent(connection, {"wamid.3": deliveries.Sent("m3", 3)})
    assert run(waba, "secure-restored", "--epoch", "7")[0] == 0
    async with database.begin() as connection:
        waiting = [one.unsent.message_id for one in await deliveries.read_waiting(connection, range(32), 0, 10)]
        await deliveries.mark_abandoned(connection, range(32), EPOCH_JUMP)
        uncertain = await deliveries.read_uncertain(connection, ["m1", "m2", "m3"])
    assert (waiting, uncertain) == (([], {"m1", "m2"}) if upstream == "cloud" else (["m1"], {"m2"}))


async def test_without_a_former_database_the_backups_own_delay_and_epoch_count(
    database: Database, waba: DatabaseConfig
) -> None:
    await promote(database, 41, 3.5)
    assert run(waba, "secure-restored", "--epoch", "0")[0] == 0
    async with database.begin() as connection:
        (shard,) = await ownership.read_map(connection)
    assert (shard.owner, shard.epoch, shard.takeover_delay) == (None, 42 + EPOCH_JUMP, 3.5)


@pytest.mark.parametrize("dry_run", [False, True])
async def test_the_nodes_of_lost_hosts_are_forgotten(database: Database, waba: DatabaseConfig, dry_run: bool) -> None:
    await register(database, "host1", "host2", "host3")
    options = ["--dry-run"] if dry_run else []
    status, printed, _log = run(waba, "forget-nodes", "host2", "host3", "unknown'", *options)
    assert (status, printed) == (0, {"nodes": ["host2:abc", "host3:abc"]})
    async with database.begin() as connection:
        left = [row.address.node_id for row in await node_registry.read_nodes(connection)]
    assert left == (["host1:abc", "host2:abc", "host3:abc"] if dry_run else ["host1:abc"])
