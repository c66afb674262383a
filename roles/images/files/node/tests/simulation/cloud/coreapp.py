"""A simulated coreapp with the Cloud API: it runs the node's own connection, claimed sender, update processor and session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from waba_node.control.ownership import Grant
from waba_node.coreapp.claiming import Claiming, NotOwner
from waba_node.coreapp.connection import Connection, Environment
from waba_node.settings import ApplicationSettings
from waba_node.store.engine import DATABASE_ERRORS
from waba_node.store.inbox import StoredMeanwhile
from waba_node.upstream.base import UpstreamError
from waba_node.upstream.cloud.session import CloudSession, probe

from ..coreapp import Coreapp
from .event_loop import EventLoop
from .pace import Pace
from .transactions import Client
from .upstream import CloudClient

if TYPE_CHECKING:
    from .world import CloudWorld

EXPECTED = (*DATABASE_ERRORS, UpstreamError, NotOwner, StoredMeanwhile)  # failures that a loop repeats


class NoDelivery:
    """Stands for the delivery of webhooks to the client: they stay in the queue."""

    def __init__(self, *_arguments: Any) -> None:
        self.woken = asyncio.Event()

    def wake(self) -> None:
        """Do nothing."""

    async def deliver_batch(self) -> float:
        """Do nothing."""
        return 3600.0

    async def close(self) -> None:
        """Do nothing."""


class NoLibrary:
    """The data of the cluster that text messages need: none."""

    def count(self, name: str, **labels: str) -> None:
        """Do nothing."""


class CloudConnection(Connection):
    """The node's connection. A failure that the node does not expect is a violation."""

    loop: EventLoop

    def log_failure(self, name: str, error: Exception) -> None:
        """Report a failure, unless the process has ended."""
        if not isinstance(error, EXPECTED) and not self.loop.is_closed():
            self.loop.world.failed = error


class CloudCoreapp(Coreapp):
    """See the module."""

    world: CloudWorld

    def start(self) -> None:
        """Start as standby."""
        self.loop = EventLoop(self)
        self.connection: CloudConnection | None = None
        self.closing: asyncio.Task[None] | None = None  # the end of the last connection
        self.posting: CloudClient | None = None  # the client of the last connection
        self.client = Client(self)
        super().start()

    def end(self) -> None:
        """End the process."""
        super().end()
        self.world.record_disconnected(self)
        self.loop.close()

    # -- the connection ------------------------------------------------------------------------------------------------

    def connect(self, grant: Grant) -> None:
        """Connect for a grant, unless the right to it ends before the upstream has answered."""
        self.loop.spawn(self.open(grant))

    async def open(self, grant: Grant) -> None:
        """Probe the number, and begin to send and to process."""
        if self.closing is not None:
            await asyncio.wait([self.closing])
        if not self.may_send(grant):
            self.schedule_renewal()
            return
        client = CloudClient(self)
        try:
            async with asyncio.timeout(max(0.0, self.ownership.deadline() - self.clock())):
                self.world.service.observe(await probe(client))  # type: ignore[arg-type]
        except (UpstreamError, TimeoutError):
            await client.close()
            self.ownership.lost()
        else:
            if self.may_send(grant):
                client.pace = Pace(self.world.config.rate / grant.of, self.world.now)
                self.posting = client
                observe = self.world.service.observe
                session = CloudSession(self.world.config, client, NoLibrary(), None, observe)  # type: ignore[arg-type]
                self.begin(grant, session)
            else:
                await client.close()
        self.schedule_renewal()

    def begin(self, grant: Grant, session: CloudSession) -> None:
        """Begin to send and to process."""
        environment = Environment(
            self.client,  # type: ignore[arg-type]
            ApplicationSettings,
            self.loop,  # type: ignore[arg-type]
            claiming=Claiming(self.world.service, self.name, self.life),
        )
        connection = CloudConnection(grant, session, environment, lambda: self.may_send(grant))
        connection.loop = self.loop
        self.connected, self.connection = grant, connection
        self.world.record_connected(self, grant)
        connection.start()
        connection.receiving.add_done_callback(lambda _done: self.ended(connection))
        self.fence()

    def ended(self, connection: CloudConnection) -> None:
        """Take the end of a connection by the upstream."""
        if connection is self.connection and connection.ended:
            self.disconnect("was disconnected by the upstream")

    def cut_session(self) -> None:
        """End the connection without a record of it."""
        self.end_connection(drain=False)

    def end_connection(self, *, drain: bool) -> None:
        """Begin to end the connection."""
        connection, self.connection, self.connected = self.connection, None, None
        if connection is not None and self.alive:
            seconds = max(0.0, self.ownership.deadline() - self.clock())
            self.closing = self.loop.spawn(connection.close(drain, timeout=seconds))

    def stop(self, done: Callable[[], None]) -> None:
        """Hand the shard over."""
        self.loop.spawn(self.hand_over(done))

    async def hand_over(self, done: Callable[[], None]) -> None:
        """Finish what is in progress, disconnect, and release the shard."""
        grant, life, database = self.ownership.grant, self.life, self.world.database
        self.ownership.draining = True
        if self.connected is not None:
            self.world.note("%s hands over and disconnects", self.name)
            self.end_connection(drain=True)
        if self.closing is not None:
            await asyncio.wait([self.closing])
        self.by_any_way(lambda: partial(database.leave, self.name, life, grant))
        self.after(0, done)

    # -- messages ------------------------------------------------------------------------------------------------------

    def send_now(self) -> None:
        """Send what was stored."""
        if self.connection is not None:
            self.connection.sender.wake()

    def begin_at_the_oldest(self) -> None:
        """Let the sender search for messages that were stored earlier than it knows."""
        if self.connection is not None:
            self.connection.sender.wake(rescan=True)

    def process_updates(self) -> None:
        """Process what was received."""
        if self.connection is not None and self.connection.processor is not None:
            self.connection.processor.wake()
