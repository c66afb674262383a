"""Sends a shard's stored messages to the upstream, in order, and fails those whose ttl has ended."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from ..control.ownership import Grant
from ..runtime.supervisor import Loop
from ..store import outbox
from ..store.engine import Database
from ..upstream.base import UpstreamEvent, UpstreamSession
from .status_events import expiry

BATCH = 100  # messages in one query
WINDOW = 1000  # messages that were sent and are not confirmed
PAUSE = 0.03  # seconds after a partial batch, so that the next one is larger; a message after a rest does not wait
POLL = 2.0  # seconds between two queries without a wake-up, and between two scans from the oldest message
SETTLE_TIMEOUT = 0.5  # seconds for confirmations before a handover: a planned move is to take one second at most


class OutboxSender:
    """Sends the messages of one connection's shard. It relies on the upstream to confirm each message or to end the connection."""

    def __init__(
        self,
        database: Database,
        grant: Grant,
        session: UpstreamSession,
        still_owner: Callable[[], bool],
        store_events: Callable[[list[UpstreamEvent]], Awaitable[bool]],
    ) -> None:
        """still_owner: asked before every send. store_events: stores events and returns whether that succeeded."""
        self.database, self.buckets, self.session = database, grant.buckets, session
        self.still_owner, self.store_events = still_owner, store_events
        self.woken, self.stopping = asyncio.Event(), False
        self.position, self.scan_began, self.rescan = 0, float("-inf"), True
        self.unconfirmed: set[str] = set()
        self.late: set[str] = set()  # failed for their ttl since the last query

    def loops(self) -> list[Loop]:
        """Return the loops that send messages and fail those whose ttl has ended."""
        return [Loop("send", self.send_batch, trigger=self.woken), Loop("expire", self.expire_batch)]

    def wake(self, rescan: bool = False) -> None:
        """Query the outbox now. rescan: a message may be stored before the position that was reached."""
        self.rescan |= rescan
        self.woken.set()

    def confirm(self, message_ids: set[str]) -> None:
        """Record the upstream's answers to messages, which make room for others."""
        if len(self.unconfirmed) >= WINDOW:
            self.woken.set()
        self.unconfirmed -= message_ids

    async def settle(self, ended: Callable[[], bool]) -> None:
        """Wait, for a limited time, until all that was sent is confirmed: the next owner would send the rest again. ended: no answer comes any more."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_TIMEOUT):
                while self.unconfirmed and not ended():
                    await asyncio.sleep(0.01)

    async def close(self) -> None:
        """Do nothing: the next owner sends what is not confirmed again."""

    async def send_batch(self) -> float:
        """Send the next stored messages. Return the seconds until the next query.

        From time to time a scan begins at the oldest message again: a message may be stored late, before the position that was reached,
        by a former owner that was losing the shard, or by a transaction whose answer was lost.
        """
        if self.rescan or time.monotonic() >= self.scan_began + POLL:
            self.position, self.scan_began, self.rescan = 0, time.monotonic(), False
        self.late.clear()
        if not self.still_owner() or len(self.unconfirmed) >= WINDOW:
            return POLL
        try:
            async with self.database.begin() as connection:
                waiting = await outbox.read_unsent_messages(connection, self.buckets, self.position, BATCH)
            for message in waiting:
                if self.stopping or not self.still_owner():
                    break
                if not message.expired:
                    await self.send(message.message_id, message.payload)
                self.position = message.position
            if late := [message.message_id for message in waiting if message.expired]:
                await self.fail(late)
        except BaseException:
            self.rescan = True
            raise
        if not waiting:
            return POLL
        if len(waiting) < BATCH and not self.stopping:
            await asyncio.sleep(PAUSE)
        return 0

    async def send(self, message_id: str, payload: dict[str, object]) -> None:
        """Send a message unless it was sent already."""
        if message_id in self.unconfirmed or message_id in self.late:
            return
        self.unconfirmed.add(message_id)
        try:
            await self.session.send(message_id, payload)
        except BaseException:
            self.unconfirmed.discard(message_id)
            raise

    async def expire_batch(self) -> float:
        """Fail messages whose ttl has ended, also while the upstream accepts nothing. Return the seconds until the next query."""
        async with self.database.begin() as connection:
            ended = await outbox.read_expired_messages(connection, self.buckets, BATCH)
        if ended and await self.fail([name for name, status in ended if status == outbox.ACCEPTED]):
            async with self.database.begin() as connection:
                await outbox.forget_expiry(connection, [name for name, _status in ended])
        return POLL if len(ended) < BATCH else 0

    async def fail(self, message_ids: list[str]) -> bool:
        """Fail those messages that were not sent before their ttl ended. Return whether that succeeded.

        A message that a former owner sent without a confirmation counts as not sent, since no other node knows of it.
        """
        late = [name for name in message_ids if name not in self.unconfirmed]
        if not late:
            return True
        if not self.still_owner():
            return False
        self.late.update(late)
        moment = int(time.time())
        return await self.store_events([expiry(name, moment) for name in late])
