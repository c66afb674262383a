"""Garbage collection against a real database and a real folder."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from messaging_support import statuses, store, webhooks
from tests.media_support import files
from waba_node.control.ownership import Grant
from waba_node.coreapp import garbage_collection
from waba_node.coreapp.garbage_collection import completed_messages, message_webhook
from waba_node.master.garbage_collection import media_webhook, unused_media
from waba_node.rpc import RpcError
from waba_node.runtime.garbage_collection import Collector
from waba_node.store import inbox, media, outbox
from waba_node.store.engine import Database
from waba_node.store.media import StoredMedia
from waba_node.store.media_folder import LEFTOVER_AGE, OUTGOING, MediaFolder

DAY = 24 * 3600
OWN, OTHER = Grant(0, 1, of=2), Grant(1, 1, of=2)


async def store_with_status(database: Database, name: str, status: str, age: int, bucket: int = 0) -> None:
    """Store a message that has a status and was accepted so many seconds ago."""
    await store(database, name, bucket=bucket, ttl=3600)
    values = {"status": status, "accepted_at": sa.text(f"UTC_TIMESTAMP(6) - INTERVAL {age} SECOND")}
    async with database.begin() as connection:
        await connection.execute(sa.update(outbox.message).where(outbox.message.c.message_id == name).values(**values))


async def total(collecting: AsyncIterator[int]) -> int:
    return sum([count async for count in collecting])


@pytest.mark.parametrize(
    ("status", "age", "garbage"),
    [
        ("accepted", 365 * DAY, False),
        ("sent", 29 * DAY, False),
        ("sent", 30 * DAY, True),
        ("delivered", DAY - 60, False),
        ("delivered", DAY, True),
        ("read", 3500, False),
        ("read", 3600, True),
        ("failed", 3600, True),
    ],
)
async def test_only_completed_messages_of_the_shard_are_deleted(
    database: Database, status: str, age: int, garbage: bool
) -> None:
    await store_with_status(database, "m1", status, age)
    await store_with_status(database, "other", status, age, bucket=1)
    assert await total(completed_messages(database, OWN, lambda: True)) == int(garbage)
    assert set(await statuses(database)) == ({"other"} if garbage else {"m1", "other"})
    async with database.begin() as connection:
        expiries = (await connection.execute(sa.select(outbox.message_expiry.c.message_id))).scalars().all()
    assert set(expiries) == set(await statuses(database))


async def test_messages_are_deleted_in_batches(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage_collection, "BATCH", 3)
    for number in range(7):
        await store_with_status(database, f"m{number}", "read", DAY)
    assert [count async for count in completed_messages(database, OWN, lambda: True) if count] == [3, 3, 1]


async def test_inbound_messages_are_deleted_after_30_days_by_the_owner_of_shard_0(database: Database) -> None:
    async with database.begin() as connection:
        await inbox.store_inbound(connection, {"old": "1", "new": "2"})
        old = inbox.inbound_message.c.message_id == "old"
        earlier = sa.text("UTC_TIMESTAMP(6) - INTERVAL 30 DAY")
        await connection.execute(sa.update(inbox.inbound_message).where(old).values(received_at=earlier))
    assert await total(completed_messages(database, OTHER, lambda: True)) == 0
    assert await total(completed_messages(database, OWN, lambda: True)) == 1
    async with database.begin() as connection:
        assert await inbox.find_sender(connection, "old") is None
        assert await inbox.find_sender(connection, "new") == "2"


async def test_a_collection_stops_when_the_shard_is_lost(database: Database) -> None:
    await store_with_status(database, "m1", "read", DAY)
    with pytest.raises(RpcError, match="1018"):
        await total(completed_messages(database, OWN, lambda: False))
    assert set(await statuses(database)) == {"m1"}


async def test_a_collection_does_not_block_other_transactions(database: Database) -> None:
    await store_with_status(database, "m1", "read", DAY)
    await store_with_status(database, "m2", "sent", 60)
    async with database.begin() as connection:
        await outbox.delete_messages(connection, OWN.buckets, "read", 3600, 10)
        async with asyncio.timeout(3), database.begin() as other:
            await outbox.record_statuses(other, {"m2": "delivered"})
        await store(database, "m3")
    assert set(await statuses(database)) == {"m2", "m3"}


@pytest.fixture
async def folder(database: Database, tmp_path: Path) -> MediaFolder:
    """A folder with a file that was used 29 days ago, one that was used 30 days ago, and old files without a row."""
    made = MediaFolder(str(tmp_path))
    for name in ("used", "unused", "orphan", "dead.part", "young"):

        async def content() -> AsyncIterator[bytes]:
            yield b"x"

        await made.save(OUTGOING, name, content(), 10)
        if name != "young":
            os.utime(tmp_path / OUTGOING / name, (time.time() - LEFTOVER_AGE - 60,) * 2)
    async with database.begin() as connection:
        for name, days in (("used", 29), ("unused", 30)):
            await media.store_media(connection, [StoredMedia(name, "x/y", "", 1, f"outgoing/{name}")])
            used_at = sa.text(f"UTC_TIMESTAMP(6) - INTERVAL {days} DAY")
            row = media.media.c.media_id == name
            await connection.execute(sa.update(media.media).where(row).values(used_at=used_at))
    return made


async def test_unused_media_and_files_without_a_row_are_deleted(database: Database, folder: MediaFolder) -> None:
    assert await total(unused_media(database, folder, lambda: True)) == 2
    assert files(folder.root) == ["outgoing/used", "outgoing/young"]
    async with database.begin() as connection:
        assert set(await media.find_media(connection, ["used", "unused"])) == {"used"}


async def test_used_media_are_stored_for_another_30_days(database: Database, folder: MediaFolder) -> None:
    async with database.begin() as connection:
        assert await media.use_media(connection, ["used", "unused"])
        assert not await media.use_media(connection, ["used", "unknown"])
    assert await total(unused_media(database, folder, lambda: True)) == 1
    assert "outgoing/unused" in files(folder.root)


async def test_without_the_folder_no_row_is_deleted(database: Database, folder: MediaFolder) -> None:
    elsewhere = MediaFolder(str(folder.root / "nowhere"))
    collector = Collector(database, lambda: unused_media(database, elsewhere, lambda: True), media_webhook, lambda: 0)
    collector.begin()
    await collector.running
    (webhook,) = await webhooks(database)
    gc = json.loads(webhook.payload)["services"][0]["media"]["gc"]
    assert (gc["items_deleted"], gc["status"], gc["errors"][0]["code"]) == (0, "failed", 1014)
    async with database.begin() as connection:
        assert set(await media.find_media(connection, ["used", "unused"])) == {"used", "unused"}


async def test_a_former_primary_master_stops_its_collection(database: Database, folder: MediaFolder) -> None:
    with pytest.raises(RpcError, match="1017"):
        await total(unused_media(database, folder, lambda: False))


async def test_one_collection_runs_at_a_time_and_a_webhook_reports_its_end(database: Database) -> None:
    proceed = asyncio.Event()

    async def collect() -> AsyncIterator[int]:
        yield 3
        await proceed.wait()
        yield 2

    collector = Collector(database, collect, message_webhook("wacore1:abc"), lambda: 7)
    collector.begin()
    with pytest.raises(RpcError, match="1015"):
        collector.begin()
    collector.begin_automatic()
    proceed.set()
    await collector.running
    (webhook,) = await webhooks(database)
    assert webhook.bucket == 7
    assert json.loads(webhook.payload) == {
        "services": [{"message": {"gc": {"messages_deleted": 5, "node": "wacore1:abc", "status": "complete"}}}]
    }
    collector.begin(report=False)
    await collector.running
    assert len(await webhooks(database)) == 1


async def test_stop_ends_a_collection_also_when_a_library_swallows_the_cancellation(
    database: Database,
) -> None:
    async def collect() -> AsyncIterator[int]:
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.1)
            yield 1

    collector = Collector(database, collect, media_webhook, lambda: 0)
    collector.begin()
    await asyncio.sleep(0.05)
    await collector.stop()
    assert collector.running.done()
    assert await webhooks(database) == []
