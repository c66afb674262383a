"""Accepts messages from the webapps: stores them first, then answers (docs/adr/0007-message-stored-before-2xx.md)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from ..address import PortName
from ..rpc import Payload, RpcError, RpcServer
from ..store import outbox
from ..store.engine import Database

NOT_PRIMARY_COREAPP = 1018
LARGEST_BATCH = 200  # messages in one transaction
LARGEST_STATEMENT = 4 << 20  # characters of the payloads; a server accepts 16 MiB (MariaDB's default) or more

Call = tuple[list[dict[str, Any]], "asyncio.Future[None]"]


def not_primary(bucket: int) -> RpcError:
    """Return the refusal of a node that does not own the shard of a bucket."""
    return RpcError(NOT_PRIMARY_COREAPP, "Not Primary Coreapp", f"this node does not own the shard of bucket {bucket}")


class Intake:
    """Stores the messages that arrive during one transaction in the next, so that many clients share one commit.

    A message that is stored only after the shard was lost is refused all the same: the next owner may have sent later messages already.
    The webapp repeats it to the next owner, which then scans from the oldest message.
    """

    def __init__(self, database: Database, owns: Callable[[int], bool], on_stored: Callable[[bool], None]) -> None:
        """owns: whether this node owns the shard of a bucket. on_stored: called after messages were stored, with whether one may be a repetition."""
        self.database, self.owns, self.on_stored = database, owns, on_stored
        self.waiting: list[Call] = []
        self.writer: asyncio.Task[None] | None = None

    async def accept(self, payload: Payload) -> Payload:
        """Store messages: rows of `outbox.as_row`, each with its bucket; `again`: it may be stored already.

        Return `refused`, the ids of those whose shard this node did not own before and after. Raises RpcError 1023.
        """
        owned = [message for message in payload["messages"] if self.owns(message["bucket"])]
        if owned:
            again = True in [message.pop("again") for message in owned]
            done = asyncio.get_running_loop().create_future()
            self.waiting.append((owned, done))
            if self.writer is None or self.writer.done():
                self.writer = asyncio.create_task(self.write())
            await done
            if owned := [message for message in owned if self.owns(message["bucket"])]:
                self.on_stored(again)
        stored = {message["message_id"] for message in owned}
        return {"refused": [name for row in payload["messages"] if (name := row["message_id"]) not in stored]}

    async def write(self) -> None:
        """Store all waiting messages, batch by batch."""
        while self.waiting:
            batch = self.next_batch()
            try:
                async with self.database.begin() as connection:
                    await outbox.store_messages(connection, [row for rows, _done in batch for row in rows])
            except Exception as error:
                refusal = RpcError(1023, "Database error", f"the message could not be stored: {type(error).__name__}")
                for _rows, done in batch:
                    with contextlib.suppress(asyncio.InvalidStateError):
                        done.set_exception(refusal)
                continue
            for _rows, done in batch:
                with contextlib.suppress(asyncio.InvalidStateError):
                    done.set_result(None)

    def next_batch(self) -> list[Call]:
        """Remove the next calls from the queue: as many as fit into one statement, one at least."""
        messages = size = 0
        for count, (rows, _done) in enumerate(self.waiting):
            messages += len(rows)
            size += sum(len(row["payload"]) for row in rows)
            if count and (messages > LARGEST_BATCH or size > LARGEST_STATEMENT):
                break
        else:
            count = len(self.waiting)
        batch, self.waiting = self.waiting[:count], self.waiting[count:]
        return batch


def register(
    server: RpcServer, database: Database, owns: Callable[[int], bool], on_stored: Callable[[bool], None]
) -> None:
    """Answer `messages.accept` on the messaging port. owns, on_stored: see Intake."""
    server.add(PortName.MESSAGING, "messages.accept", Intake(database, owns, on_stored).accept)
