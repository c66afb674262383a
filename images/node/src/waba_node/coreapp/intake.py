"""A coreapp takes messages in: stored first, answered then."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from ..address import PortName
from ..rpc import RpcError, RpcServer
from ..store import outbox
from ..store.engine import Database

NOT_PRIMARY_COREAPP = 1018
LARGEST_GROUP = 200  # messages in one transaction
LARGEST_STATEMENT = 4 << 20  # characters of their contents; a server takes 16 MiB (MariaDB's default) or more


def not_primary(bucket: int) -> RpcError:
    """Return the refusal of a node that does not own the shard of a bucket."""
    return RpcError(NOT_PRIMARY_COREAPP, "Not Primary Coreapp", f"this node does not own the shard of bucket {bucket}")


class Intake:
    """Groups what arrives while a transaction runs into the next one, so that many clients share one commit.

    What is stored only when the shard is somebody else's already is refused all the same: the next owner may have sent what stands behind
    it. The webapp brings it again, and then the next owner looks for it.
    """

    def __init__(self, database: Database, owns: Callable[[int], bool], stored: Callable[[bool], None]) -> None:
        self.database, self.owns, self.stored = database, owns, stored
        self.waiting: list[tuple[list[dict], asyncio.Future[None]]] = []
        self.writer: asyncio.Task | None = None

    async def accept(self, payload: dict) -> dict:
        """Store messages: rows as `outbox.as_row` makes them, with the bucket; again: one may be stored already.

        Return `refused`, the ids of those whose bucket's shard this node did not own before and after. Raises RpcError 1023.
        """
        taken = [message for message in payload["messages"] if self.owns(message["bucket"])]
        if taken:
            again = True in [message.pop("again") for message in taken]
            done = asyncio.get_running_loop().create_future()
            self.waiting.append((taken, done))
            if self.writer is None or self.writer.done():
                self.writer = asyncio.create_task(self.write())
            await done
            if taken := [message for message in taken if self.owns(message["bucket"])]:
                self.stored(again)
        stored = {message["message_id"] for message in taken}
        return {"refused": [name for row in payload["messages"] if (name := row["message_id"]) not in stored]}

    async def write(self) -> None:
        while self.waiting:
            group = self.next_group()
            try:
                async with self.database.begin() as connection:
                    await outbox.store_messages(connection, [row for rows, _done in group for row in rows])
            except Exception as error:
                refusal = RpcError(1023, "Database error", f"the message could not be stored: {type(error).__name__}")
                for _rows, done in group:
                    with contextlib.suppress(asyncio.InvalidStateError):
                        done.set_exception(refusal)
                continue
            for _rows, done in group:
                with contextlib.suppress(asyncio.InvalidStateError):
                    done.set_result(None)

    def next_group(self) -> list[tuple[list[dict], asyncio.Future[None]]]:
        """Take the next calls off the queue: as many as fit one statement, one at least."""
        messages = size = 0
        for count, (rows, _done) in enumerate(self.waiting):
            messages += len(rows)
            size += sum(len(row["payload"]) for row in rows)
            if count and (messages > LARGEST_GROUP or size > LARGEST_STATEMENT):
                break
        else:
            count = len(self.waiting)
        group, self.waiting = self.waiting[:count], self.waiting[count:]
        return group


def register(
    server: RpcServer, database: Database, owns: Callable[[int], bool], stored: Callable[[bool], None]
) -> None:
    """Answer `messages.accept` on the messaging port. stored: called after a message was stored, with whether it may have been before."""
    server.add(PortName.MESSAGING, "messages.accept", Intake(database, owns, stored).accept)
