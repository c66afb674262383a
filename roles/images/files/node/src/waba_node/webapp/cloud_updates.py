"""Splits the body of a webhook into updates, and stores them before it is answered.

All bodies that arrive during a transaction are stored together in the next one. The owners of their buckets are notified after the commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from ..address import PortName
from ..control.sharding import BUCKETS, bucket_of
from ..rpc import RpcError
from ..store import deliveries, updates
from ..store.engine import DATABASE_ERRORS, FAILOVER_PATIENCE, Database, error_summary, is_transient
from ..store.updates import ReceivedUpdate
from ..upstream.cloud.translation import webhooks
from ..upstream.cloud.translation.webhooks import Update
from .errors import ApiError

if TYPE_CHECKING:
    from .routing import Router

log = logging.getLogger(__name__)

LARGEST_STATEMENT = (
    256 << 10
)  # characters of the updates that one statement stores, so that the event loop is not held up
MOST_ROWS = 250  # updates in one statement
LARGEST_BATCH = 1000  # updates in one transaction, if they are of several bodies
NOTIFY_TIMEOUT = 2.0  # seconds
NOTIFY_PAUSE = 0.05  # seconds between two notifications, so that many webhooks cause few calls
MILLISECONDS_FROM = 100_000_000_000  # larger timestamps are in milliseconds


class NotJson(Exception):
    """A body is not a JSON object in UTF-8."""


@dataclass(frozen=True)
class Row:
    """An update that is ready to be stored. bucket: None if only the message's row knows it. timestamp: seconds since 1970, or None."""

    update: Update
    bucket: int | None
    content: str
    timestamp: int | None


@dataclass(frozen=True)
class Split:
    """The updates of a body, and what was ignored, as lines for the log."""

    rows: list[Row]
    ignored: list[str]


def split(body: bytes, phone_number_id: str) -> Split:
    """Return the updates of a body for a number. Raises NotJson. Pure, so that a thread can do it."""
    try:
        found, ignored = webhooks.updates(parse(body), phone_number_id)
        rows = [Row(each, _bucket(each), msgspec.json.encode(each).decode(), _timestamp(each)) for each in found]
    except RecursionError as error:
        raise NotJson("the body is nested too deeply") from error
    return Split(rows, ignored)


def parse(body: bytes) -> dict[str, Any]:
    """Return a JSON object. Raises NotJson. Half of a surrogate pair, which some texts end with, becomes a question mark."""
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        try:  # slower, and accepts lone surrogates
            text = json.dumps(json.loads(body.decode()), ensure_ascii=False, allow_nan=False)
        except ValueError as error:
            raise NotJson(f"the body is not JSON in UTF-8: {type(error).__name__}") from error
        content = json.loads(text.encode(errors="replace"))
    if not isinstance(content, dict):
        raise NotJson("the body is not a JSON object")
    return content


def _bucket(update: Update) -> int | None:
    """Return the bucket of an update: of the message that a status is about, otherwise of the user."""
    correlated = webhooks.parse_correlation_id(update.callback_data)
    if correlated is not None and correlated[0] < BUCKETS:
        return correlated[0]
    return None if update.kind == "status" else bucket_of(update.user)


def _timestamp(update: Update) -> int | None:
    """Return the seconds since 1970 at which an update happened, None if it does not say so."""
    content = update.content.get(update.kind)
    text = str(content.get("timestamp", "")) if isinstance(content, dict) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        return None
    return int(text) // (1000 if int(text) > MILLISECONDS_FROM else 1)


class UpdateWriter:
    """Stores updates, and completes each request once they are committed."""

    def __init__(self, database: Database, notifier: OwnerNotifier) -> None:
        self.database, self.notifier = database, notifier
        self.patience = FAILOVER_PATIENCE  # seconds; 0 while the database is known to be away
        self.waiting: deque[tuple[list[Row], asyncio.Future[None]]] = deque()
        self.writing: asyncio.Task[None] | None = None

    async def store(self, rows: list[Row]) -> None:
        """Store updates; the same one a second time changes nothing. Raises DATABASE_ERRORS."""
        if not rows:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append((rows, done))
        if self.writing is None:
            self.writing = asyncio.create_task(self._write())
        await done

    async def _write(self) -> None:
        """Store batches until none waits."""
        try:
            while self.waiting:
                batch = self._next_batch()
                error = await self._store([row for rows, _done in batch for row in rows])
                if error is not None and not is_transient(error) and len(batch) > 1:
                    for rows, done in batch:  # one of them cannot be stored
                        _complete(done, await self._store(rows))
                else:
                    for _rows, done in batch:
                        _complete(done, error)
        finally:
            self.writing = None

    def _next_batch(self) -> list[tuple[list[Row], asyncio.Future[None]]]:
        """Remove the next bodies from the queue: as many as fit into one transaction, one at least."""
        batch = [self.waiting.popleft()]
        size = len(batch[0][0])
        while self.waiting and (size := size + len(self.waiting[0][0])) <= LARGEST_BATCH:
            batch.append(self.waiting.popleft())
        return batch

    async def _store(self, rows: list[Row]) -> Exception | None:
        """Store updates in one transaction, and notify the owners of their buckets. Return the failure."""
        buckets: set[int] = set()

        async def write(connection: AsyncConnection) -> None:
            received = await _with_buckets(connection, rows)
            for statement in _statements(received):
                await updates.store_updates(connection, statement)
            buckets.update(row.bucket for row in received)

        try:
            await self.database.run(write, self.patience)
        except Exception as error:
            return error
        self.notifier.notify(buckets)
        return None


async def _with_buckets(connection: AsyncConnection, rows: list[Row]) -> list[ReceivedUpdate]:
    """Return the rows to store. A status without the message's bucket gets it from the message, or that of the user."""
    unknown = {row.update.wamid for row in rows if row.bucket is None}
    known = await deliveries.find_buckets(connection, unknown)
    buckets = (
        known.get(row.update.wamid, bucket_of(row.update.user)) if row.bucket is None else row.bucket for row in rows
    )
    return [
        ReceivedUpdate(bucket, row.update.kind, row.update.key, row.content)
        for row, bucket in zip(rows, buckets, strict=True)
    ]


def _statements(rows: list[ReceivedUpdate]) -> Iterator[Sequence[ReceivedUpdate]]:
    """Yield the rows in parts that one statement stores."""
    part: list[ReceivedUpdate] = []
    size = 0
    for row in rows:
        if part and (len(part) == MOST_ROWS or size + len(row.content) > LARGEST_STATEMENT):
            yield part
            part, size = [], 0
        part.append(row)
        size += len(row.content)
    yield part


def _complete(done: asyncio.Future[None], error: Exception | None) -> None:
    with contextlib.suppress(asyncio.InvalidStateError):  # the request was cancelled
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)


class OwnerNotifier:
    """Notifies the coreapps that own buckets of new updates. Without a notification they find them a little later."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.pending: set[int] = set()
        self.notifying: asyncio.Task[None] | None = None

    def notify(self, buckets: Iterable[int]) -> None:
        """Notify the owners of buckets soon."""
        self.pending.update(buckets)
        if self.pending and self.notifying is None:
            self.notifying = asyncio.create_task(self._notify())

    async def _notify(self) -> None:
        try:
            while self.pending:
                buckets, self.pending = self.pending, set()
                await self._call_owners(buckets)
                await asyncio.sleep(NOTIFY_PAUSE)
        finally:
            self.notifying = None

    async def _call_owners(self, buckets: set[int]) -> None:
        try:
            owners = await self.router.find_owners(buckets)
            calls = [
                self.router.client.call(owner, PortName.MESSAGING, "updates.stored", {"bucket": bucket}, NOTIFY_TIMEOUT)
                for owner, bucket in owners.items()
            ]
            for result in await asyncio.gather(*calls, return_exceptions=True):
                if isinstance(result, RpcError):
                    log.debug("an owner was not notified of updates: %s", result.details)
        except (ApiError, *DATABASE_ERRORS) as error:
            log.debug("no owner was notified of updates: %s", error_summary(error))
        except Exception:
            log.exception("the owners could not be notified of updates")
