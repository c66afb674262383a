"""Accepts messages from the webapps: stores them first, then answers (docs/adr/0007-message-stored-before-2xx.md)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..address import PortName
from ..rpc import Payload, RpcError, RpcServer
from ..runtime.statistics import Statistics
from ..store import outbox
from ..store.engine import (
    ATTEMPT,
    DATABASE_ERRORS,
    FAILOVER_PATIENCE,
    RETRY_PAUSE,
    Database,
    error_summary,
    is_transient,
)
from ..store.second_member import SecondMember

NOT_PRIMARY_COREAPP = 1018
LARGEST_BATCH = 200  # messages in one transaction
LARGEST_STATEMENT = 4 << 20  # characters of the payloads; a server accepts 16 MiB (MariaDB's default) or more


@dataclass
class Call:
    """A call that waits to be stored. until (monotonic): its transaction is not repeated later. repeated: it may be stored already."""

    rows: list[dict[str, Any]]
    done: asyncio.Future[None]
    until: float
    repeated: bool = False

    def finish(self, refusal: RpcError | None = None) -> None:
        """Answer the call, unless it was cancelled meanwhile."""
        if self.done.done():
            return
        if refusal is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(refusal)


def not_primary(bucket: int) -> RpcError:
    """Return the refusal of a node that does not own the shard of a bucket."""
    return RpcError(NOT_PRIMARY_COREAPP, "Not Primary Coreapp", f"this node does not own the shard of bucket {bucket}")


class Intake:
    """Stores the messages that arrive during one transaction in the next, so that many clients share one commit.

    A message that is stored only after the shard was lost is refused all the same: the next owner may have sent later messages already.
    The webapp repeats it to the next owner, which then scans from the oldest message.
    """

    def __init__(
        self,
        database: Database,
        owns: Callable[[int], bool],
        on_stored: Callable[[bool], None],
        second: SecondMember | None = None,
    ) -> None:
        """owns: whether this node owns the shard of a bucket. on_stored: called after messages were stored, with whether one may be a repetition.

        second: a member of the database's cluster that must have the messages too before they are accepted.
        """
        self.database, self.owns, self.on_stored, self.second = database, owns, on_stored, second
        self.waiting: list[Call] = []
        self.committed: list[Call] = []  # wait for the second member
        self.writer: asyncio.Task[None] | None = None
        self.confirmer: asyncio.Task[None] | None = None

    async def accept(self, payload: Payload) -> Payload:
        """Store messages: rows of `outbox.as_row`, each with its bucket; `again`: it may be stored already.

        Return `refused`, the ids of those whose shard this node did not own before and after. Raises RpcError 1023.
        """
        owned = [message for message in payload["messages"] if self.owns(message["bucket"])]
        if owned:
            again = True in [message.pop("again") for message in owned]
            call = Call(owned, asyncio.get_running_loop().create_future(), time.monotonic() + FAILOVER_PATIENCE)
            self.waiting.append(call)
            if self.writer is None or self.writer.done():
                self.writer = asyncio.create_task(self.write())
            await call.done
            if owned := [message for message in owned if self.owns(message["bucket"])]:
                self.on_stored(again or call.repeated)
        stored = {message["message_id"] for message in owned}
        return {"refused": [name for row in payload["messages"] if (name := row["message_id"]) not in stored]}

    async def write(self) -> None:
        """Store all waiting messages, batch by batch. Repeat a batch that a restart or a failover of the database has interrupted.

        Such a transaction may have been committed; the ids of its messages make the repetition harmless.
        """
        while self.waiting:
            batch = self.next_batch()
            try:
                async with asyncio.timeout(ATTEMPT), self.database.begin() as connection:
                    await outbox.store_messages(connection, [row for call in batch for row in call.rows])
            except Exception as error:
                if repeated := self.refuse_or_repeat(batch, error):
                    self.waiting = repeated + self.waiting
                    await asyncio.sleep(RETRY_PAUSE)
                continue
            if self.second is None:
                for call in batch:
                    call.finish()
                continue
            self.committed += batch
            if self.confirmer is None or self.confirmer.done():
                self.confirmer = asyncio.create_task(self.confirm(self.second))

    async def confirm(self, second: SecondMember) -> None:
        """Accept committed messages when a second member has applied them: all that wait at once. Meanwhile the next are committed."""
        while self.committed:
            batch, self.committed = self.committed, []
            refusal = None
            try:
                await second.confirm(self.database, min(call.until for call in batch))
            except DATABASE_ERRORS as error:
                reason = f"no second member of the database has the message: {error_summary(error)}"
                refusal = RpcError(1023, "Database error", reason)
            for call in batch:
                call.finish(refusal)

    def refuse_or_repeat(self, batch: list[Call], error: Exception) -> list[Call]:
        """Refuse the calls whose time has ended, or all when a repetition is futile; return the others."""
        at = time.monotonic() + RETRY_PAUSE
        repeated = [call for call in batch if at < call.until and not call.done.done()] if is_transient(error) else []
        refusal = RpcError(1023, "Database error", f"the message could not be stored: {error_summary(error)}")
        for call in batch:
            if call in repeated:
                call.repeated = True
            else:
                call.finish(refusal)
        return repeated

    def next_batch(self) -> list[Call]:
        """Remove the next calls from the queue: as many as fit into one statement, one at least."""
        messages = size = 0
        for count, call in enumerate(self.waiting):
            messages += len(call.rows)
            size += sum(len(row["payload"]) for row in call.rows)
            if count and (messages > LARGEST_BATCH or size > LARGEST_STATEMENT):
                break
        else:
            count = len(self.waiting)
        batch, self.waiting = self.waiting[:count], self.waiting[count:]
        return batch


def register(
    server: RpcServer,
    database: Database,
    owns: Callable[[int], bool],
    on_stored: Callable[[bool], None],
    statistics: Statistics | None = None,
    second: SecondMember | None = None,
) -> None:
    """Answer `messages.accept` on the messaging port. owns, on_stored, second: see Intake. statistics: counts the stored messages."""
    intake, counters = Intake(database, owns, on_stored, second), statistics or Statistics()

    async def accept(payload: Payload) -> Payload:
        answer = await intake.accept(payload)
        counters.add("out_message_persisted", {}, len(payload["messages"]) - len(answer["refused"]))
        return answer

    server.add(PortName.MESSAGING, "messages.accept", accept)
