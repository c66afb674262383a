"""The simulated tables of the Cloud API upstream, with the functions that the node's modules call instead of those of the package `store`.

Each function has the name, the parameters and the statements of its original in store/contacts.py, deliveries.py, inbox.py, media.py, outbox.py,
ownership.py, updates.py and webhook_queue.py. test_store.py compares their results with those of the originals.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from waba_node.store.deliveries import IN_FLIGHT, QUEUED, UNCERTAIN, NotClaimed, Sent, Waiting
from waba_node.store.inbox import StoredMeanwhile
from waba_node.store.outbox import ACCEPTED, CLAIMED, HANDED_OVER, StoredMessage, Unsent
from waba_node.store.updates import ReceivedUpdate, StoredUpdate, digest_of

from .transactions import Transaction

__all__ = ["ACCEPTED", "CLAIMED", "NotClaimed", "Sent", "StoredMeanwhile", "Waiting"]

MESSAGE, DELIVERY, UPSTREAM_MESSAGE = "message", "delivery", "upstream_message"
RECEIVED_UPDATE, INBOUND_MESSAGE, WEBHOOK = "received_update", "inbound_message", "webhook"
SHARD = "shard_map"  # its rows are those of the simulated database
TABLES = (DELIVERY, UPSTREAM_MESSAGE, RECEIVED_UPDATE, INBOUND_MESSAGE, WEBHOOK)  # that only this upstream has
AT_ONCE = float("-inf")  # updates.AT_ONCE


@dataclass
class Delivery:
    """A row of `delivery`."""

    message_id: int
    bucket: int
    epoch: int
    state: str
    attempts: int
    changed_at: float


@dataclass
class UpstreamMessage:
    """A row of `upstream_message`."""

    upstream_id: str
    message_id: int
    bucket: int
    failed: bool


@dataclass
class Received:
    """A row of `received_update`. stored: the simulation's time."""

    position: int
    digest: str
    bucket: int
    kind: str
    content: str
    received_at: float
    due_at: float | None
    stored: float


@dataclass
class Webhook:
    """A row of `webhook`."""

    position: int
    payload: dict[str, Any]


def numbers(message_ids: Iterable[str]) -> list[int]:
    """Return the primary keys of messages, in order, as statements lock them."""
    return sorted(map(int, message_ids))


def payload_of(recipient: str) -> dict[str, Any]:
    """Return the body of a message."""
    return {"to": recipient, "recipient_type": "individual", "type": "text", "text": {"body": "x"}}


# -- outbox -----------------------------------------------------------------------------------------------------------------


async def lock_messages(connection: Transaction, message_ids: Collection[str]) -> dict[str, StoredMessage]:
    rows = await connection.lock(MESSAGE, numbers(message_ids))
    return {str(row.id): StoredMessage(row.recipient, row.status) for row in rows}


async def record_statuses(connection: Transaction, statuses: Mapping[str, str]) -> None:
    for row in await connection.lock(MESSAGE, numbers(statuses)):
        row.status = statuses[str(row.id)]


async def read_expired_messages(connection: Transaction, _buckets: range, _limit: int) -> list[tuple[str, str]]:
    await connection.statement()
    return []  # the simulated messages have no ttl


async def forget_expiry(connection: Transaction, _message_ids: Collection[str]) -> None:
    await connection.statement()


# -- deliveries -------------------------------------------------------------------------------------------------------------


async def read_waiting(connection: Transaction, buckets: range, after: int, limit: int) -> list[Waiting]:
    await connection.statement()
    found = [
        row
        for row in connection.rows(MESSAGE)
        if row.status == ACCEPTED and row.position > after and row.bucket in buckets
    ]
    found = sorted(found, key=lambda row: row.position)[:limit]
    return [
        Waiting(Unsent(row.position, str(row.id), payload_of(row.recipient), 0.0), row.recipient, row.bucket)
        for row in found
    ]


async def claim(connection: Transaction, epoch: int, messages: Mapping[str, int]) -> None:
    claimed = await connection.lock(MESSAGE, numbers(messages), lambda row: row.status == ACCEPTED)
    for row in claimed:
        row.status = CLAIMED
    if len(claimed) != len(messages):
        raise NotClaimed("some messages are not accepted any more")
    moment = connection.database.time()
    for name, bucket in messages.items():
        new = Delivery(int(name), bucket, epoch, IN_FLIGHT, 0, moment)
        if (row := await connection.insert(DELIVERY, int(name), new)) is not None:
            row.epoch, row.state, row.changed_at = epoch, IN_FLIGHT, moment


async def record_sent(connection: Transaction, sent: Mapping[str, Sent]) -> None:
    if not sent:
        return
    names = {one.message_id for one in sent.values()}
    for row in await connection.lock(MESSAGE, numbers(names), lambda row: row.status in (ACCEPTED, CLAIMED)):
        row.status = HANDED_OVER
    for upstream_id, one in sorted(sent.items()):
        new = UpstreamMessage(upstream_id, int(one.message_id), one.bucket, failed=False)
        await connection.insert(UPSTREAM_MESSAGE, upstream_id, new)
    await end_deliveries(connection, names)


async def end_deliveries(connection: Transaction, message_ids: Collection[str]) -> None:
    if message_ids:
        await connection.delete(DELIVERY, numbers(message_ids))


async def mark_uncertain(connection: Transaction, epoch: int, message_ids: Collection[str]) -> None:
    if message_ids:
        mine = await connection.lock(
            DELIVERY, numbers(message_ids), lambda row: row.state == IN_FLIGHT and row.epoch == epoch
        )
        for row in mine:
            row.state, row.changed_at = UNCERTAIN, connection.database.time()


async def mark_abandoned(connection: Transaction, buckets: range, epoch: int) -> int:
    def abandoned(row: Delivery) -> bool:
        return row.bucket in buckets and row.state == IN_FLIGHT and row.epoch < epoch

    rows = await connection.lock(DELIVERY, list(connection.database.table(DELIVERY)), abandoned)
    for row in rows:
        row.state, row.changed_at = UNCERTAIN, connection.database.time()
    return len(rows)


async def read_overdue(connection: Transaction, buckets: range, seconds: float, limit: int) -> list[str]:
    await connection.statement()
    since = connection.database.time() - seconds
    found = [
        row
        for row in connection.rows(DELIVERY)
        if row.bucket in buckets and row.state == UNCERTAIN and row.changed_at <= since
    ]
    overdue = [str(row.message_id) for row in sorted(found, key=lambda row: row.changed_at)[:limit]]
    connection.world.check_caught_up(connection.process, overdue)
    return overdue


async def read_uncertain(connection: Transaction, message_ids: Collection[str]) -> set[str]:
    if not message_ids:
        return set()
    rows = await connection.lock(DELIVERY, numbers(message_ids), lambda row: row.state == UNCERTAIN)
    return {str(row.message_id) for row in rows}


async def count_uncertain(connection: Transaction, buckets: range) -> int:
    await connection.statement()
    return sum(row.bucket in buckets and row.state == UNCERTAIN for row in connection.rows(DELIVERY))


async def queue_again(connection: Transaction, message_ids: Collection[str], *, sent_perhaps: bool) -> None:
    if not message_ids:
        return
    for row in await connection.lock(MESSAGE, numbers(message_ids), lambda row: row.status == CLAIMED):
        row.status = ACCEPTED
    if not sent_perhaps:
        await connection.delete(DELIVERY, numbers(message_ids), lambda row: row.attempts == 0)
    for row in await connection.lock(DELIVERY, numbers(message_ids)):
        row.state, row.attempts, row.changed_at = QUEUED, row.attempts + sent_perhaps, connection.database.time()


async def read_possible(connection: Transaction, message_ids: Collection[str]) -> set[str]:
    if not message_ids:
        return set()
    await connection.statement()
    wanted = set(numbers(message_ids))
    rows = connection.rows(UPSTREAM_MESSAGE)
    return {str(row.message_id) for row in rows if row.message_id in wanted and not row.failed}


async def read_repeated(connection: Transaction, message_ids: Collection[str]) -> set[str]:
    if not message_ids:
        return set()
    await connection.statement()
    rows = (connection.find(DELIVERY, number) for number in numbers(message_ids))
    return {str(row.message_id) for row in rows if row is not None and row.attempts > 0}


async def record_failed(connection: Transaction, sent: Mapping[str, Sent]) -> set[str]:
    if not sent:
        return set()
    names = {one.message_id for one in sent.values()}
    await lock_messages(connection, names)
    for upstream_id, one in sorted(sent.items()):
        new = UpstreamMessage(upstream_id, int(one.message_id), one.bucket, failed=True)
        if (row := await connection.insert(UPSTREAM_MESSAGE, upstream_id, new)) is not None:
            row.failed = True
    failed = names - await read_possible(connection, names) - await read_repeated(connection, names)
    await end_deliveries(connection, failed)
    return failed


async def find_messages(connection: Transaction, upstream_ids: Collection[str]) -> dict[str, Sent]:
    if not upstream_ids:
        return {}
    await connection.statement()
    rows = (connection.find(UPSTREAM_MESSAGE, name) for name in upstream_ids)
    return {row.upstream_id: Sent(str(row.message_id), row.bucket) for row in rows if row is not None}


async def find_buckets(connection: Transaction, upstream_ids: Collection[str]) -> dict[str, int]:
    return {name: sent.bucket for name, sent in (await find_messages(connection, upstream_ids)).items()}


# -- updates ----------------------------------------------------------------------------------------------------------------


async def store_updates(connection: Transaction, rows: Sequence[ReceivedUpdate]) -> None:
    database = connection.database
    moment = database.time()
    for row in rows:
        database.update_position += 1
        digest = digest_of(row.kind, row.key)
        new = Received(
            database.update_position, digest, row.bucket, row.kind, row.content, moment, AT_ONCE, connection.world.now
        )
        await connection.insert(RECEIVED_UPDATE, digest, new)


async def read_due_updates(connection: Transaction, buckets: range, limit: int) -> list[StoredUpdate]:
    await connection.statement()
    connection.world.record_query_of_updates(connection.process)
    time = connection.database.time()
    found = [
        row
        for row in connection.rows(RECEIVED_UPDATE)
        if row.bucket in buckets and row.due_at is not None and row.due_at <= time
    ]
    found = sorted(found, key=lambda row: (row.due_at, row.position))[:limit]
    return [StoredUpdate(row.position, row.bucket, row.kind, row.content, time - row.received_at) for row in found]


async def delete_updates(connection: Transaction, positions: Collection[int]) -> int:
    if not positions:
        return 0
    return await connection.delete(RECEIVED_UPDATE, digests(connection), lambda row: row.position in positions)


async def postpone_updates(connection: Transaction, positions: Collection[int], seconds: float) -> None:
    if positions:
        for row in await connection.lock(RECEIVED_UPDATE, digests(connection), lambda row: row.position in positions):
            row.due_at = connection.database.time() + seconds


async def set_update_aside(connection: Transaction, position: int, problem: str) -> None:
    connection.world.fail(f"the update {position} was set aside: {problem}")


def digests(connection: Transaction) -> list[str]:
    """Return the keys of the updates that wait."""
    return [row.digest for row in connection.rows(RECEIVED_UPDATE)]


# -- events -----------------------------------------------------------------------------------------------------------------


async def store_inbound(connection: Transaction, senders: dict[str, str]) -> set[str]:
    if not senders:
        return set()
    await connection.statement()
    new = {name for name in senders if connection.find(INBOUND_MESSAGE, name) is None}
    for name in sorted(new):
        if await connection.insert(INBOUND_MESSAGE, name, senders[name]) is not None:
            raise StoredMeanwhile(name)
    return new


async def store_webhooks(connection: Transaction, _bucket: int, payloads: list[dict[str, Any]]) -> None:
    database = connection.database
    for payload in payloads:
        database.webhook_position += 1
        new = Webhook(database.webhook_position, json.loads(json.dumps(payload)))
        await connection.insert(WEBHOOK, new.position, new)


async def store_media(_connection: Transaction, entries: Sequence[object]) -> None:
    if entries:
        raise AssertionError("the simulated messages have no files")


async def read_unfetched(connection: Transaction, _seconds: int, _limit: int) -> list[tuple[str, str]]:
    await connection.statement()
    return []


async def observe_identity(_connection: Transaction, _wa_id: str, _current: str, first_is_known: bool = True) -> object:
    raise AssertionError(f"the simulated users have no identities: {first_is_known}")


async def store_checked_numbers(connection: Transaction, _wa_ids: Mapping[str, str | None]) -> None:
    await connection.statement()


# -- the shard map ----------------------------------------------------------------------------------------------------------


async def guard(connection: Transaction, shard: int, node_id: str, incarnation: str, epoch: int) -> bool:
    await connection.statement()
    await connection.lock_row(SHARD, shard)
    database = connection.database

    def owns() -> bool:
        row = database.row(shard, epoch)
        return row is not None and (row.owner, row.life) == (node_id, incarnation)

    if owns():
        connection.guards.append(owns)
        return True
    return False
