"""Between the database and the upstream: what is stored is sent, in order; what the upstream says is stored; webhooks are delivered."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from ..api.settings import ApplicationSettings
from ..store import application
from ..store.engine import Database
from ..upstream.base import UpstreamError, UpstreamEvent, UpstreamSession
from .webhooks import Deliveries, event_payload

log = logging.getLogger(__name__)

GROUP = 100  # messages read at once
POLL = 2.0  # seconds: a look at the database without being woken
DRAIN = 5.0  # seconds to finish what is in flight


class Pump:
    """One shard's traffic, for as long as this node is connected for it."""

    def __init__(self, database: Database, settings: Callable[[], ApplicationSettings]) -> None:
        self.database, self.settings = database, settings
        self.woken = asyncio.Event()
        self.tasks: list[asyncio.Task] = []
        self.stopping = False

    def start(self, session: UpstreamSession, shard: int, still_owner: Callable[[], bool]) -> None:
        """Start sending and receiving. still_owner: asked before every send."""
        self.session, self.shard, self.still_owner = session, shard, still_owner
        self.deliveries = Deliveries(self.database, self.settings, shard)
        self.sender = asyncio.create_task(self.forever(self.send), name=f"send {shard}")
        self.receiver = asyncio.create_task(self.receive(), name=f"receive {shard}")
        self.tasks = [
            self.sender,
            self.receiver,
            asyncio.create_task(self.forever(self.deliveries.deliver), name=f"webhooks {shard}"),
        ]

    def wake(self) -> None:
        """Look for stored messages now."""
        self.woken.set()

    async def stop(self, drain: bool) -> None:
        """End the traffic and the connection. With drain, first finish what was begun, for a bounded time."""
        self.stopping = True
        self.woken.set()
        if drain:
            await asyncio.wait([self.sender], timeout=DRAIN)
        self.sender.cancel()
        await self.session.disconnect()
        await asyncio.wait([self.receiver], timeout=DRAIN if drain else 0.1)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.deliveries.close()

    async def forever(self, step: Callable[[], object]) -> None:
        while not self.stopping:
            try:
                await step()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning(
                    "shard %d: %s; trying again", self.shard, str(error).splitlines()[0][:200] or type(error).__name__
                )
                await asyncio.sleep(1)

    async def send(self) -> None:
        """Send everything that waits, from the oldest; then wait for more. After a failover this resumes where the former owner was."""
        after = 0
        while not self.stopping:
            self.woken.clear()
            async with self.database.begin() as connection:
                waiting = await application.unsent_messages(connection, self.shard, after, GROUP)
            for position, message_id, payload in waiting:
                if self.stopping or not self.still_owner():
                    return
                await self.session.send(message_id, payload)
                after = position
            if not waiting:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.woken.wait(), POLL)

    async def receive(self) -> None:
        """Store what the upstream says, each event with its webhook in one transaction; an event is not lost to a database that is away."""
        try:
            async for event in self.session.events():
                while not await self.stored(event):
                    await asyncio.sleep(1)
        except UpstreamError as error:
            log.warning("shard %d: the upstream ended the connection: %s", self.shard, error)

    async def stored(self, event: UpstreamEvent) -> bool:
        try:
            async with self.database.begin() as connection:
                recipient = ""
                if event.kind != "inbound":
                    recipient = await application.advance_message(connection, event.message_id, event.kind)
                    if recipient is None:
                        return True
                payload = event_payload(event, recipient, self.settings())
                if payload is not None:
                    await application.store_webhook(connection, self.shard, payload)
        except Exception as error:
            log.warning("shard %d: an event waits for the database: %s", self.shard, type(error).__name__)
            return False
        self.deliveries.wake()
        return True
