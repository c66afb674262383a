"""Between the database and the upstream: what is stored is sent, in order; what the upstream says is stored; webhooks are delivered."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable

from ..control.ownership import Grant
from ..runtime.statistics import Statistics
from ..settings import ApplicationSettings
from ..store import contacts, inbox, media, outbox, webhook_queue
from ..store.engine import Database
from ..upstream.base import UpstreamError, UpstreamEvent, UpstreamSession
from .attachments import attach
from .batching import groups
from .status_events import EXPIRED, FAILED, changed_identities, first_time, outcomes, senders
from .webhook_delivery import Deliveries

log = logging.getLogger(__name__)

GROUP = 100  # messages read at once, and events stored at once
WINDOW = 1000  # messages that the upstream has and has not confirmed
PAUSE = 0.03  # seconds between two groups under load, so that each is worth its transactions; what comes after a rest waits for nothing
POLL = 2.0  # seconds: a look at the database without being woken, and at all that waits there
DRAIN = 5.0  # seconds to finish what is in flight
SETTLE = 0.5  # seconds of them for confirmations: a planned move is to cost a second at the most


class Pump:
    """One shard's traffic, for as long as this node is connected for it.

    It counts on the upstream to confirm each message (sent or failed) or to end the connection.
    """

    def __init__(
        self,
        database: Database,
        settings: Callable[[], ApplicationSettings],
        authority: Callable[[], str] = str,
        statistics: Statistics | None = None,
        fetch_later: Callable[[int, list[str]], None] = lambda _bucket, _media_ids: None,
    ) -> None:
        """authority, statistics: see Deliveries. fetch_later: fetches media that came in, by bucket and ids."""
        self.database, self.settings, self.authority, self.statistics = database, settings, authority, statistics
        self.fetch_later = fetch_later
        self.woken, self.from_the_oldest = asyncio.Event(), False
        self.unconfirmed: set[str] = set()
        self.late: set[str] = set()  # failed for their ttl since the last look at the database
        self.tasks: list[asyncio.Task] = []
        self.stopping = False

    def start(self, session: UpstreamSession, grant: Grant, still_owner: Callable[[], bool]) -> None:
        """Start sending and receiving. still_owner: asked before every send."""
        self.session, self.still_owner = session, still_owner
        shard = self.shard = grant.shard
        self.buckets = grant.buckets
        self.deliveries = Deliveries(self.database, self.settings, grant, self.authority, self.statistics)
        self.sender = asyncio.create_task(self.forever(self.send), name=f"send {shard}")
        self.receiver = asyncio.create_task(self.receive(), name=f"receive {shard}")
        self.tasks = [
            self.sender,
            self.receiver,
            asyncio.create_task(self.forever(self.deliveries.deliver), name=f"webhooks {shard}"),
            asyncio.create_task(self.forever(self.expire), name=f"expire {shard}"),
        ]

    def ended(self) -> bool:
        """Return whether the upstream has ended the connection by itself."""
        return self.receiver.done() and not self.stopping

    def wake(self, from_the_oldest: bool = False) -> None:
        """Look for stored messages now, also for one that may stand before what was sent."""
        self.from_the_oldest |= from_the_oldest
        self.woken.set()

    async def stop(self, drain: bool) -> None:
        """End the traffic and the connection. With drain, first finish what was begun, for a bounded time."""
        self.stopping = True
        self.woken.set()
        if drain:
            await asyncio.wait([self.sender], timeout=DRAIN)
            await self.settled()
        self.sender.cancel()
        await self.session.disconnect()
        await asyncio.wait([self.receiver], timeout=DRAIN if drain else 0.1)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.deliveries.close()

    async def settled(self) -> None:
        """Wait, for a bounded time, until what was handed over is confirmed: the next owner would hand it over again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE):
                while self.unconfirmed and not self.receiver.done():
                    await asyncio.sleep(0.01)

    async def forever(self, step: Callable[[], Awaitable[None]]) -> None:
        while not self.stopping:
            try:
                await step()
            except Exception as error:
                log.warning("shard %d: %s; trying again", self.shard, in_short(error))
                await asyncio.sleep(1)

    async def send(self) -> None:
        """Send everything that waits, from the oldest, then wait for more; after a failover this resumes where the former owner was.

        Now and then a look begins at the oldest again: what a former owner was storing when it lost the shard, or what the database stored
        without an answer, may come to stand before what was sent since.
        """
        after, began = 0, float("-inf")
        while not self.stopping:
            self.woken.clear()
            if self.from_the_oldest or time.monotonic() >= began + POLL:
                after, began, self.from_the_oldest = 0, time.monotonic(), False
            waiting = []
            self.late.clear()
            if self.still_owner() and len(self.unconfirmed) < WINDOW:
                async with self.database.begin() as connection:
                    waiting = await outbox.unsent_messages(connection, self.buckets, after, GROUP)
            for message in waiting:
                if self.stopping or not self.still_owner():
                    break
                if not message.expired:
                    await self.hand_over(message.message_id, message.payload)
                after = message.position
            if late := [message.message_id for message in waiting if message.expired]:
                await self.fail(late)
            if 0 < len(waiting) < GROUP:
                await self.pause()
            elif not waiting:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.woken.wait(), POLL)

    async def pause(self) -> None:
        """Let more come together."""
        if not self.stopping:
            await asyncio.sleep(PAUSE)

    async def hand_over(self, message_id: str, payload: dict) -> None:
        if message_id in self.unconfirmed or message_id in self.late:
            return
        self.unconfirmed.add(message_id)
        try:
            await self.session.send(message_id, payload)
        except BaseException:
            self.unconfirmed.discard(message_id)
            raise

    async def expire(self) -> None:
        """Look for messages whose ttl has ended while they waited, also when the upstream takes nothing at the moment."""
        async with self.database.begin() as connection:
            ended = await outbox.expired_messages(connection, self.buckets, GROUP)
        if ended and await self.fail([name for name, status in ended if status == outbox.ACCEPTED]):
            async with self.database.begin() as connection:
                await outbox.forget_expiry(connection, [name for name, _status in ended])
        if len(ended) < GROUP:
            await asyncio.sleep(POLL)

    async def fail(self, message_ids: list[str]) -> bool:
        """Fail those of some messages that were not handed over before their ttl ended; return whether that went well.

        One that a former owner handed over without seeing it confirmed counts as not handed over (ours): who would know.
        """
        late = [name for name in message_ids if name not in self.unconfirmed]
        if not late:
            return True
        if not self.still_owner():
            return False
        self.late.update(late)
        moment = int(time.time())
        return await self.stored([UpstreamEvent(name, FAILED, moment, EXPIRED) for name in late])

    async def receive(self) -> None:
        """Store what the upstream says; no event is lost to a database that is away."""
        try:
            async with contextlib.aclosing(groups(self.session.events(), GROUP)) as received:
                async for events in received:
                    while not await self.stored(events):
                        await asyncio.sleep(1)
                    if len(events) < GROUP:
                        await self.pause()
        except UpstreamError as error:
            log.warning("shard %d: the upstream ended the connection: %s", self.shard, error)

    async def stored(self, events: list[UpstreamEvent]) -> bool:
        """Store events with their webhooks in one transaction; return whether that went well."""
        ids = {event.message_id for event in events if event.kind != "inbound"}
        events, files = attach(events)
        try:
            async with self.database.begin() as connection:
                messages = await outbox.lock_messages(connection, ids)
                new = first_time(events, await inbox.store_inbound(connection, senders(events)))
                for wa_id, current in changed_identities(new).items():
                    await contacts.observe_identity(connection, wa_id, current, first_is_known=False)
                statuses, webhooks = outcomes(messages, new, self.settings())
                await outbox.record_statuses(connection, statuses)
                await media.store_media(connection, [entry for _kind, entry in files])
                await webhook_queue.store_webhooks(connection, self.shard, webhooks)
        except Exception as error:
            log.warning("shard %d: events wait for the database: %s", self.shard, in_short(error))
            return False
        if len(self.unconfirmed) >= WINDOW:
            self.woken.set()
        self.unconfirmed -= ids
        self.deliveries.wake()
        wanted = self.settings().media.auto_download
        self.fetch_later(self.shard, [entry.media_id for kind, entry in files if kind in wanted])
        return True


def in_short(error: Exception) -> str:
    """Return what went wrong in one line, without SQL and parameters."""
    return str(getattr(error, "orig", None) or error).split("\n", 1)[0][:200] or type(error).__name__
