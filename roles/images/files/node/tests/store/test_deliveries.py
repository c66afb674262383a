"""A claimed message is sent once; an uncertain one is remembered until its outcome is known."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from waba_node.store import contacts, deliveries, inbox, media, outbox, ownership, upstream_media
from waba_node.store.deliveries import NotClaimed, Sent
from waba_node.store.engine import Database
from waba_node.store.media import StoredMedia
from waba_node.store.upstream_media import Upload

ALL = range(32)
LONG_USER = "US.ENT." + "x" * 128


async def store(database: Database, *names: str, recipient: str = "49151", bucket: int = 3) -> None:
    rows = [{"message_id": name, "bucket": bucket, "recipient": recipient, "payload": {}} for name in names]
    async with database.begin() as connection:
        await outbox.store_messages(connection, list(map(outbox.as_row, rows)))


async def statuses(database: Database) -> dict[str, str]:
    query = sa.select(outbox.message.c.message_id, outbox.message.c.status)
    async with database.begin() as connection:
        return dict((await connection.execute(query)).tuples().all())


async def waiting(database: Database) -> list[str]:
    async with database.begin() as connection:
        return [row.unsent.message_id for row in await deliveries.read_waiting(connection, ALL, 0, 100)]


async def claim(database: Database, epoch: int, *names: str) -> None:
    async with database.begin() as connection:
        await deliveries.claim(connection, epoch, dict.fromkeys(names, 3))


async def overdue(database: Database) -> list[str]:
    async with database.begin() as connection:
        return await deliveries.read_overdue(connection, ALL, -1, 100)


async def test_a_message_is_claimed_once(database: Database) -> None:
    await store(database, "m1", "m2")
    await claim(database, 1, "m1")
    assert await waiting(database) == ["m2"]
    with pytest.raises(NotClaimed, match="1 of 2 messages"):
        await claim(database, 1, "m1", "m2")
    assert await waiting(database) == ["m2"], "the transaction was undone"


async def test_the_upstreams_id_ends_a_delivery(database: Database) -> None:
    await store(database, "m1")
    await claim(database, 1, "m1")
    async with database.begin() as connection:
        await deliveries.record_sent(connection, {"wamid.A": Sent("m1", 3)})
        await deliveries.record_sent(connection, {"wamid.A": Sent("m1", 3)})
        assert await deliveries.find_messages(connection, ["wamid.A", "wamid.a"]) == {"wamid.A": Sent("m1", 3)}
        assert await deliveries.find_upstream_id(connection, "m1") == "wamid.A"
        assert await deliveries.mark_abandoned(connection, ALL, 2) == 0
    assert await statuses(database) == {"m1": outbox.HANDED_OVER}


async def test_claims_of_an_earlier_owner_become_uncertain_and_those_of_this_one_do_not(database: Database) -> None:
    await store(database, "m1", "m2")
    await claim(database, 1, "m1")
    await claim(database, 2, "m2")
    async with database.begin() as connection:
        assert await deliveries.mark_abandoned(connection, ALL, 2) == 1
        assert await deliveries.count_uncertain(connection, ALL) == 1
        assert await deliveries.read_overdue(connection, ALL, 60, 100) == []
    assert await overdue(database) == ["m1"]


async def test_a_message_that_is_sent_again_keeps_both_ids(database: Database) -> None:
    await store(database, "m1")
    await claim(database, 1, "m1")
    async with database.begin() as connection:
        await deliveries.mark_uncertain(connection, 1, ["m1"])
        assert await deliveries.read_uncertain(connection, ["m1"]) == {"m1"}
        await deliveries.queue_again(connection, ["m1"], sent_perhaps=True)
        assert await deliveries.read_repeated(connection, ["m1"]) == {"m1"}
    assert await waiting(database) == ["m1"]
    await claim(database, 1, "m1")
    async with database.begin() as connection:
        await deliveries.record_sent(connection, {"wamid.A": Sent("m1", 3)})
        await deliveries.record_sent(connection, {"wamid.B": Sent("m1", 3)})
        assert await deliveries.record_failed(connection, {"wamid.B": Sent("m1", 3)}) == set()
        assert await deliveries.read_possible(connection, ["m1"]) == {"m1"}
        assert await deliveries.find_upstream_id(connection, "m1") == "wamid.A"
        assert await deliveries.record_failed(connection, {"wamid.A": Sent("m1", 3)}) == {"m1"}
        assert await deliveries.read_possible(connection, ["m1"]) == set()
        assert await deliveries.delete_old_ids(connection, 60, 10) == 0
        assert await deliveries.delete_old_ids(connection, -1, 10) == 2


async def test_several_failures_are_recorded_at_once(database: Database) -> None:
    await store(database, "m1", "m2")
    async with database.begin() as connection:
        await deliveries.record_sent(connection, {"wamid.A": Sent("m1", 3)})
        failures = {"wamid.A": Sent("m1", 3), "wamid.B": Sent("m2", 3)}
        assert await deliveries.record_failed(connection, failures) == {"m1", "m2"}
        assert await deliveries.read_possible(connection, ["m1", "m2"]) == set()


async def test_a_message_that_was_not_sent_waits_again_without_an_attempt(database: Database) -> None:
    await store(database, "m1")
    await claim(database, 1, "m1")
    async with database.begin() as connection:
        await deliveries.queue_again(connection, ["m1"], sent_perhaps=False)
        assert await deliveries.read_repeated(connection, ["m1"]) == set()
    assert await waiting(database) == ["m1"]


async def test_an_answer_that_arrives_before_the_message_is_sent_again_prevents_that(database: Database) -> None:
    await store(database, "m1")
    await claim(database, 1, "m1")
    async with database.begin() as connection:
        await deliveries.queue_again(connection, ["m1"], sent_perhaps=True)
        await deliveries.record_sent(connection, {"wamid.A": Sent("m1", 3)})
    assert await waiting(database) == []


async def test_the_guard_fails_for_any_other_owner(database: Database) -> None:
    async with database.begin() as connection:
        await connection.execute(sa.update(ownership.shard_map).values(owner="c1", incarnation="a", epoch=7))
        assert await ownership.guard(connection, 0, "c1", "a", 7)
        for other in ((1, "c1", "a", 7), (0, "c2", "a", 7), (0, "c1", "b", 7), (0, "c1", "a", 6)):
            assert not await ownership.guard(connection, *other)


async def test_ids_of_users_without_a_phone_number_are_stored_whole(database: Database) -> None:
    await store(database, "m1", recipient=LONG_USER)
    async with database.begin() as connection:
        assert (await outbox.lock_messages(connection, ["m1"]))["m1"].recipient == LONG_USER
        assert [row.recipient for row in await deliveries.read_waiting(connection, ALL, 0, 10)] == [LONG_USER]
        wamid = "wamid." + "x" * 249
        await inbox.store_inbound(connection, {wamid: LONG_USER, "wamid.2": "49151"})
        assert await inbox.find_sender(connection, wamid) == LONG_USER
        assert await inbox.find_sender(connection, "wamid.2") == "49151"
        await media.store_media(connection, [StoredMedia("f1", "image/png", sender=LONG_USER, reference="9")])
        assert await media.read_media(connection, "f1") == StoredMedia(
            "f1", "image/png", sender=LONG_USER, reference="9"
        )
        await contacts.observe_identity(connection, LONG_USER, "hash")
        assert await contacts.acknowledge_identity(connection, LONG_USER, "hash")
        assert await contacts.acknowledge_identity(connection, LONG_USER + "y", "hash") is None


async def test_an_upload_is_used_until_it_is_too_old(database: Database) -> None:
    async with database.begin() as connection:
        assert await upstream_media.find_upload(connection, "f1", 60) is None
        await upstream_media.record_upload(connection, "f1", Upload("1", "image/png"))
        await upstream_media.record_upload(connection, "f1", Upload("2", "image/png"))
        assert await upstream_media.find_upload(connection, "f1", 60) == Upload("2", "image/png")
        assert await upstream_media.find_upload(connection, "f1", -1) is None
        await upstream_media.forget_upload(connection, "f1", "1")
        assert await upstream_media.find_upload(connection, "f1", 60) is not None, "it is a later one"
        await upstream_media.forget_upload(connection, "f1", "2")
        assert await upstream_media.find_upload(connection, "f1", 60) is None
        await upstream_media.record_upload(connection, "f1", Upload("3", "image/png"))
        assert await upstream_media.delete_old_uploads(connection, -1, 10) == 1
