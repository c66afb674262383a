"""Processes the updates that an upstream has posted to the webapps: those of the buckets that this owner serves, in their order.

An update is deleted in the transaction that stores its events and proves the ownership, so it is processed once. An update that cannot be
processed is set aside, and holds up no other one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from ..control.ownership import Grant
from ..runtime.statistics import Statistics
from ..runtime.supervisor import Loop
from ..store import contacts, deliveries, updates
from ..store.deliveries import Sent
from ..store.engine import Database, error_summary, is_transient
from ..store.inbox import StoredMeanwhile
from ..store.updates import StoredUpdate
from ..upstream.base import ParsedUpdate, UpstreamEvent
from .claiming import Claiming, NotOwner
from .event_receiver import EventReceiver
from .status_events import FAILED

log = logging.getLogger(__name__)

BATCH = 250  # updates in one transaction
PAUSE = 0.03  # seconds after a partial batch, so that the next one is larger
POLL = 1.0  # seconds between two queries without a wake-up
UNKNOWN_PAUSE = (
    5.0  # seconds between two attempts with the status of an unknown message: its answer may not be recorded yet
)
UNKNOWN_AGE = 60.0  # seconds after which such a status is not the cluster's


@dataclass
class Batch:
    """Updates that are stored together, as the step of a transaction: see event_receiver.Step."""

    claiming: Claiming
    grant: Grant
    rows: Sequence[StoredUpdate]
    parsed: Mapping[int, ParsedUpdate]  # by position
    known: Mapping[str, Sent]  # the messages of the upstream's ids
    events: list[UpstreamEvent] = field(default_factory=list)
    postponed: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    sent: dict[str, Sent] = field(default_factory=dict)  # ids that statuses have revealed
    failed: dict[str, Sent] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)  # position -> message of the updates in `failed`
    ids: dict[str, str] = field(default_factory=dict)  # the upstream's id of a message -> the cluster's

    def __post_init__(self) -> None:
        self.ids.update((name, sent.message_id) for name, sent in self.known.items())
        for row in self.rows:
            self.translate(row, self.parsed[row.position])

    def translate(self, row: StoredUpdate, update: ParsedUpdate) -> None:
        """Add the events of an update, or postpone it."""
        message = self.message_of(update)
        if update.status_of and message is None:
            (self.postponed if row.age < UNKNOWN_AGE else self.dropped).append(row.position)
            return
        if message is not None:
            self.ids[update.status_of] = message.message_id
        events = update.events(self.ids)
        self.events += events
        if message is None:
            return
        if any(event.kind == FAILED for event in events):
            self.failed[update.status_of] = message
            self.failures[row.position] = message.message_id
        elif update.status_of not in self.known:
            self.sent[update.status_of] = message

    def message_of(self, update: ParsedUpdate) -> Sent | None:
        """Return the message whose status an update is."""
        if (known := self.known.get(update.status_of)) is not None:
            return known
        return Sent(update.message[1], update.message[0]) if update.message is not None else None

    async def before(self, connection: AsyncConnection, events: list[UpstreamEvent]) -> list[UpstreamEvent]:
        """Record the ids that statuses reveal. Return the events without failures of messages that may still arrive.

        A failure of a message that is being sent again is postponed: only the outcome of that decides whether the message has failed.
        """
        await deliveries.record_sent(connection, self.sent)
        failing = await deliveries.record_failed(connection, self.failed)
        spared = {message.message_id for message in self.failed.values()} - failing
        undecided = await deliveries.read_repeated(connection, spared)
        self.postponed += [position for position, message_id in self.failures.items() if message_id in undecided]
        return [event for event in events if event.kind != FAILED or event.message_id not in spared]

    async def after(self, connection: AsyncConnection) -> None:
        """Record identities, delete the updates, and prove the ownership. Raises NotOwner."""
        identities = dict(filter(None, (self.parsed[row.position].identity for row in self.rows)))
        for user, current in identities.items():
            await contacts.observe_identity(connection, user, current)
        postponed = set(self.postponed)
        done = [row.position for row in self.rows if row.position not in postponed]
        await updates.postpone_updates(connection, self.postponed, UNKNOWN_PAUSE)
        if await updates.delete_updates(connection, done) != len(done):
            raise NotOwner("another process has processed these updates")
        await self.claiming.require_ownership(connection, self.grant)


class UpdateProcessor:
    """Processes the updates of one connection's shard."""

    def __init__(
        self, database: Database, grant: Grant, claiming: Claiming, receiver: EventReceiver, statistics: Statistics
    ) -> None:
        self.database, self.grant, self.claiming = database, grant, claiming
        self.receiver, self.statistics = receiver, statistics
        self.woken = asyncio.Event()
        self.turn, self.caught_up = asyncio.Lock(), False

    def loops(self) -> list[Loop]:
        """Return the loop that processes updates."""
        return [Loop("updates", self.process_batch, trigger=self.woken)]

    def wake(self) -> None:
        """Query the updates now."""
        self.woken.set()

    @contextlib.asynccontextmanager
    async def between_batches(self) -> AsyncIterator[bool]:
        """Hold the next batch back. Yield whether the updates that had arrived before the last query are processed."""
        async with self.turn:
            yield self.caught_up

    async def process_batch(self) -> float:
        """Process the next updates. Return the seconds until the next query."""
        async with self.turn:
            self.caught_up = False  # a batch that fails leaves it open whether updates wait
            found = await self.process_next()
            self.caught_up = found < BATCH
        if 0 < found < BATCH:
            await asyncio.sleep(PAUSE)
        return 0 if found else POLL

    async def process_next(self) -> int:
        """Process the next updates, at most BATCH. Return how many there were."""
        async with self.database.begin() as connection:
            rows = await updates.read_due_updates(connection, self.grant.buckets, BATCH)
        if not rows:
            return 0
        try:
            await self.process(rows)
        except (NotOwner, StoredMeanwhile):
            raise
        except Exception as error:
            if is_transient(error):
                raise
            await self.process_each(rows)
        return len(rows)

    async def process(self, rows: Sequence[StoredUpdate]) -> None:
        """Process updates in one transaction. Raises the error of any of them."""
        parsed = {row.position: self.claiming.upstream.parse_update(row.content) for row in rows}
        references = {name for update in parsed.values() for name in update.references}
        async with self.database.begin() as connection:
            known = await deliveries.find_messages(connection, references)
        batch = Batch(self.claiming, self.grant, rows, parsed, known)
        await self.receiver.store_with(batch.events, batch)
        for kind, count in Counter(row.kind for row in rows).items():
            self.statistics.add("upstream_updates", {"kind": kind}, count)
        if batch.dropped:
            self.statistics.add("upstream_updates", {"kind": "foreign"}, len(batch.dropped))
            log.info("shard %d: %d statuses of unknown messages were dropped", self.grant.shard, len(batch.dropped))

    async def process_each(self, rows: Sequence[StoredUpdate]) -> None:
        """Process updates one by one; set aside those that fail. Raises a transient error of the database."""
        for row in rows:
            try:
                await self.process([row])
            except (NotOwner, StoredMeanwhile):
                raise
            except Exception as error:
                if is_transient(error):
                    raise
                await self.set_aside(row, error)

    async def set_aside(self, row: StoredUpdate, error: Exception) -> None:
        """Keep an update that cannot be processed."""
        problem = error_summary(error)
        async with self.database.begin() as connection:
            await updates.set_update_aside(connection, row.position, problem)
        self.statistics.add("upstream_updates", {"kind": "set_aside"})
        log.error("shard %d: the update %d is set aside: %s", self.grant.shard, row.position, problem)
