"""One connection to the upstream and the traffic of a shard over it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..control.ownership import Grant
from ..runtime.statistics import Statistics
from ..runtime.supervisor import Loop, Supervisor
from ..settings import ApplicationSettings
from ..store.engine import DATABASE_ERRORS, Database, error_summary
from ..store.inbox import StoredMeanwhile
from ..upstream.base import UpstreamError, UpstreamSession
from .claimed_sender import ClaimedSender
from .claiming import Claiming, NotOwner
from .event_receiver import EventReceiver
from .outbox_sender import OutboxSender
from .update_processor import UpdateProcessor
from .webhook_delivery import WebhookDelivery

log = logging.getLogger(__name__)

DRAIN_TIMEOUT = 5.0  # seconds to finish what is in progress
DELIVERY_TIMEOUT = 1.0  # seconds for the answers to webhooks in progress
RECEIVER_TIMEOUT = 0.1  # seconds for the last events of a connection that is not drained


@dataclass(frozen=True)
class Environment:
    """What a node gives to each of its connections.

    authority: returns the certificates, in PEM, that a webhook receiver's must be signed by; "" accepts any. fetch_media: begins to fetch
    received media, by bucket and ids. own_number: returns the cluster's registered number, "" without one. claiming: for an upstream whose sends
    are not idempotent.
    """

    database: Database
    settings: Callable[[], ApplicationSettings]
    tasks: asyncio.TaskGroup
    authority: Callable[[], str] = str
    statistics: Statistics = field(default_factory=Statistics)
    fetch_media: Callable[[int, Sequence[str]], None] = lambda _bucket, _media_ids: None
    own_number: Callable[[], str] = str
    claiming: Claiming | None = None


class Connection:
    """A connection with the grant that it was made for: it sends the shard's messages, stores events and delivers webhooks."""

    def __init__(
        self, grant: Grant, session: UpstreamSession, environment: Environment, still_owner: Callable[[], bool]
    ) -> None:
        """still_owner: asked before every send."""
        self.grant, self.session, self.closing = grant, session, False
        database, settings, statistics = environment.database, environment.settings, environment.statistics
        self.deliveries = WebhookDelivery(database, settings, grant, environment.authority, statistics)
        self.receiver = EventReceiver(environment, grant, session, self.deliveries.wake, self.confirmed)
        self.sender: OutboxSender | ClaimedSender
        self.processor: UpdateProcessor | None = None
        if environment.claiming is None:
            self.sender = OutboxSender(database, grant, session, still_owner, self.receiver.store)
        else:
            self.processor = UpdateProcessor(database, grant, environment.claiming, self.receiver, statistics)
            between_batches = self.processor.between_batches
            self.sender = ClaimedSender(
                environment, environment.claiming, grant, session, still_owner, self.receiver, between_batches
            )
        expected = (*DATABASE_ERRORS, UpstreamError, NotOwner, StoredMeanwhile)
        self.supervisor = Supervisor(environment.tasks, expected, self.log_failure)
        self.receiving: asyncio.Task[None]

    def start(self) -> None:
        """Begin to send, receive and deliver."""
        self.supervisor.start(
            *self.sender.loops(),
            *([*self.processor.loops(), Loop("missing files", self.receiver.fetch_missing)] if self.processor else ()),
            Loop("deliver", self.deliveries.deliver_batch, trigger=self.deliveries.woken),
        )
        self.receiving = self.supervisor.spawn("receive", self.receiver.receive())

    @property
    def ended(self) -> bool:
        """Whether the upstream has ended the connection."""
        return self.receiving.done() and not self.closing

    @property
    def uncertain(self) -> int:
        """Return the number of messages of which it is uncertain whether they were sent."""
        return self.sender.uncertain if isinstance(self.sender, ClaimedSender) else 0

    def confirmed(self, message_ids: set[str]) -> None:
        """Let the sender send more: the upstream has confirmed messages."""
        self.sender.confirm(message_ids)

    def log_failure(self, name: str, error: Exception) -> None:
        """Report the failure of a loop."""
        log.warning("shard %d: %s: %s; trying again", self.grant.shard, name, error_summary(error))

    async def close(self, drain: bool, timeout: float) -> None:
        """End the traffic and the connection. drain: first finish what is in progress, for at most `timeout` seconds."""
        closed = asyncio.create_task(self._close(drain))
        await asyncio.wait([closed], timeout=timeout)
        if not closed.done():
            await self.session.disconnect()
        await closed

    async def _close(self, drain: bool) -> None:
        self.closing = self.sender.stopping = True
        await self.supervisor.finish("send", DRAIN_TIMEOUT if drain else 0)
        if drain:
            await self.sender.settle(self.receiving.done)
        await self.session.disconnect()
        await asyncio.wait([self.receiving], timeout=DRAIN_TIMEOUT if drain else RECEIVER_TIMEOUT)
        if drain:  # otherwise the next owner would repeat the webhooks in progress
            await self.supervisor.finish("deliver", DELIVERY_TIMEOUT)
        await self.supervisor.stop()
        await self.sender.close()
        await self.deliveries.close()
