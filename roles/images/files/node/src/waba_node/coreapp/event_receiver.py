"""Stores the upstream's events and the webhooks that they cause."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from ..control.ownership import Grant
from ..control.sharding import bucket_of
from ..store import contacts, inbox, media, outbox, webhook_queue
from ..store.engine import error_summary
from ..upstream.base import UpstreamError, UpstreamEvent, UpstreamSession
from .attachments import KINDS, assign_media_ids
from .batching import batches
from .status_events import changed_identities, derive, inbound_messages, senders, with_context_sender, without_repeated

if TYPE_CHECKING:
    from .connection import Environment

log = logging.getLogger(__name__)

BATCH = 100  # events in one transaction
PAUSE = 0.03  # seconds after a partial batch, so that the next one is larger
RETRY = 1.0  # seconds
FILE_LIFE = 7 * 24 * 3600  # seconds for which the Cloud API stores a received file
FETCH_INTERVAL = 3600.0  # seconds between two attempts with the files that are missing
MOST_MISSING = 1000  # files of one attempt


class Step(Protocol):
    """An additional step of a transaction that stores events."""

    async def before(self, connection: AsyncConnection, events: list[UpstreamEvent]) -> list[UpstreamEvent]:
        """Return the events to store. An error undoes the transaction."""

    async def after(self, connection: AsyncConnection) -> None:
        """Run at the end of the transaction. An error undoes it."""


class EventReceiver:
    """Receives the events of one connection."""

    def __init__(
        self,
        environment: Environment,
        grant: Grant,
        session: UpstreamSession,
        on_webhooks: Callable[[], None],
        on_confirmed: Callable[[set[str]], None],
    ) -> None:
        """on_webhooks: called after webhooks were stored. on_confirmed: called with the ids of messages whose events were stored."""
        self.environment, self.grant, self.shard, self.session = environment, grant, grant.shard, session
        self.database, self.settings = environment.database, environment.settings
        self.on_webhooks, self.on_confirmed = on_webhooks, on_confirmed

    async def receive(self) -> None:
        """Store events until the connection ends. No event is lost while the database is unreachable."""
        try:
            async with contextlib.aclosing(batches(self.session.events(), BATCH)) as received:
                async for events in received:
                    while not await self.store(events):
                        await asyncio.sleep(RETRY)
                    if len(events) < BATCH:
                        await asyncio.sleep(PAUSE)
        except UpstreamError as error:
            log.warning("shard %d: the upstream ended the connection: %s", self.shard, error)

    async def store(self, events: list[UpstreamEvent]) -> bool:
        """Store events with their webhooks in one transaction. Return whether that succeeded."""
        try:
            await self.store_with(events)
        except Exception as error:
            log.warning("shard %d: events wait for the database: %s", self.shard, error_summary(error))
            return False
        return True

    async def store_with(self, events: list[UpstreamEvent], step: Step | None = None) -> None:
        """Store events with their webhooks in one transaction, and a step with them. Raises its errors and DATABASE_ERRORS."""
        events, files = assign_media_ids(with_context_sender(events, self.environment.own_number()))
        async with self.database.begin() as connection:
            if step is not None:
                events = await step.before(connection, events)
            ids = {event.message_id for event in events if event.kind != "inbound"}
            new = events
            if events:
                messages = await outbox.lock_messages(connection, ids)
                new = without_repeated(events, await inbox.store_inbound(connection, senders(events)))
                for wa_id, current in changed_identities(new).items():
                    await contacts.observe_identity(connection, wa_id, current, first_is_known=False)
                statuses, webhooks = derive(messages, new, self.settings())
                await outbox.record_statuses(connection, statuses)
                await media.store_media(connection, [file.media for file in files])
                await webhook_queue.store_webhooks(connection, self.shard, webhooks)
            if step is not None:
                await step.after(connection)
        self.count(events, new)
        self.on_confirmed(ids)
        self.on_webhooks()
        # Files that the upstream stores for a few days only are fetched regardless of the setting.
        wanted = self.settings().media.auto_download if self.environment.claiming is None else KINDS
        self.environment.fetch_media(self.shard, [file.media.media_id for file in files if file.kind in wanted])

    async def fetch_missing(self) -> float:
        """Begin to fetch received files whose download has failed, or whose owner ended before it. Return the seconds until the next time."""
        async with self.database.begin() as connection:
            missing = await media.read_unfetched(connection, FILE_LIFE, MOST_MISSING)
        mine = [media_id for media_id, sender in missing if self.grant.serves(bucket_of(sender))]
        self.environment.fetch_media(self.shard, mine)
        return FETCH_INTERVAL

    def count(self, events: list[UpstreamEvent], new: list[UpstreamEvent]) -> None:
        """Count the inbound messages and statuses of stored events. new: the events without repeated messages."""
        statistics = self.environment.statistics
        received = len(inbound_messages(events))
        statistics.add("in_message_from_server", {}, received)
        statistics.add("in_message_decoded", {}, received)
        statistics.add("in_message_persisted", {}, len(inbound_messages(new)))
        for event in events:
            if event.kind != "inbound":
                statistics.add("out_message_status", {"status": event.kind})
