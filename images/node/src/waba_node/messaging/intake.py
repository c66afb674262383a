"""A coreapp takes messages in: stored first, answered then."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from ..store import outbox
from ..store.engine import Database
from ..wire import PortName, WireError, WireServer

NOT_PRIMARY_COREAPP = 1018
LARGEST_GROUP = 200  # messages in one transaction
LARGEST_STATEMENT = 4 << 20  # characters of their contents; a server takes 16 MiB (MariaDB's default) or more


def not_primary(bucket: int) -> WireError:
    """Return the refusal of a node that does not own the shard of a bucket."""
    return WireError(NOT_PRIMARY_COREAPP, "Not Primary Coreapp", f"this node does not own the shard of bucket {bucket}")


class Intake:
    """Groups what arrives while a transaction runs into the next one, so that many clients share one commit.

    What is stored only when the shard is somebody else's already is refused all the same: the next owner may have sent what stands behind
    it. The webapp brings it again, and then the next owner looks for it.
    """

    def __init__(self, database: Database, owns: Callable[[int], bool], stored: Callable[[bool], None]) -> None:
        self.database, self.owns, self.stored = database, owns, stored
        self.waiting: list[tuple[dict, asyncio.Future[None]]] = []
        self.writer: asyncio.Task | None = None

    async def accept(self, payload: dict) -> dict:
        """Store one message: message_id, bucket, recipient, payload; again: it may be stored already.

        Raises WireError 1018 unless this node owns the bucket's shard, before and after.
        """
        payload = dict(payload)
        again = payload.pop("again", False)
        if not self.owns(payload["bucket"]):
            raise not_primary(payload["bucket"])
        done = asyncio.get_running_loop().create_future()
        self.waiting.append((outbox.as_row(payload), done))
        if self.writer is None or self.writer.done():
            self.writer = asyncio.create_task(self.write())
        await done
        if not self.owns(payload["bucket"]):
            raise not_primary(payload["bucket"])
        self.stored(again)
        return {}

    async def write(self) -> None:
        while self.waiting:
            group = self.next_group()
            try:
                async with self.database.begin() as connection:
                    await outbox.store_messages(connection, [row for row, _done in group])
            except Exception as error:
                refusal = WireError(1023, "Database error", f"the message could not be stored: {type(error).__name__}")
                for _row, done in group:
                    with contextlib.suppress(asyncio.InvalidStateError):
                        done.set_exception(refusal)
                continue
            for _row, done in group:
                with contextlib.suppress(asyncio.InvalidStateError):
                    done.set_result(None)

    def next_group(self) -> list[tuple[dict, asyncio.Future[None]]]:
        """Take the next messages off the queue: as many as fit one statement, one at least."""
        size = 0
        for count, (row, _done) in enumerate(self.waiting[:LARGEST_GROUP]):
            size += len(row["payload"])
            if count and size > LARGEST_STATEMENT:
                break
        else:
            count = LARGEST_GROUP
        group, self.waiting = self.waiting[:count], self.waiting[count:]
        return group


def register(
    server: WireServer, database: Database, owns: Callable[[int], bool], stored: Callable[[bool], None]
) -> None:
    """Answer `messages.accept` on the messaging port. stored: called after a message was stored, with whether it may have been before."""
    server.add(PortName.MESSAGING, "messages.accept", Intake(database, owns, stored).accept)
