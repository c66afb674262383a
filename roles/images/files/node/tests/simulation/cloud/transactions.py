"""Transactions of the simulated database: several statements, row locks, and a commit whose answer may be lost.

Other transactions see what was committed (READ COMMITTED). A statement that changes rows waits for the transactions that have changed them, and
reads them again afterwards. A failed transaction, and one whose process ends, is undone.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Hashable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from waba_node.store.engine import Database as NodeDatabase

from ..intake import DB
from ..outbox_sender import READ_TIMEOUT

if TYPE_CHECKING:
    from ..process import Process

LONGEST_LOCK_WAIT = IDLE_TRANSACTION = 5.0  # seconds: store.engine.SESSION
SHARE_OF_SLOW = 0.15  # of the transactions have a round trip before each statement

Key = tuple[str, Hashable]  # table and primary key


class Transaction:
    """One transaction, as the server has it."""

    def __init__(self, process: Process) -> None:
        self.process, self.world, self.database = process, process.world, process.world.database
        self.lives, self.starts = process.lives, self.database.starts
        self.slow = self.world.rnd() < SHARE_OF_SLOW
        self.over = self.committed = False
        self.written: dict[Key, Any] = {}  # new rows; None where one was deleted
        self.locked: list[Key] = []
        self.guards: list[Callable[[], bool]] = []
        self.waits_for: Transaction | None = None
        self.waiting: list[asyncio.Future[None]] = []  # of other transactions, for the end of this one
        self.last_statement = self.world.now

    # -- statements ----------------------------------------------------------------------------------------------------

    async def statement(self) -> None:
        """Begin a statement. Raises OSError after the transaction was undone."""
        if self.slow:
            await request(self.process, lambda: None)
        self.last_statement = self.world.now
        self.require_open()

    def require_open(self) -> None:
        """Raise OSError after the transaction was undone."""
        if self.over or self.ended():
            self.rollback()
            raise ConnectionResetError("the server has undone the transaction")

    def ended(self) -> bool:
        """Return whether the server or the process has ended since the transaction began."""
        return self.database.starts != self.starts or self.process.lives != self.lives

    def find(self, table: str, key: Hashable) -> Any:
        """Return a row as this transaction sees it, or None."""
        if (table, key) in self.written:
            return self.written[table, key]
        return self.database.table(table).get(key)

    def rows(self, table: str) -> Iterator[Any]:
        """Return the rows of a table as this transaction sees them."""
        if not self.written:
            yield from self.database.table(table).values()
            return
        rows = dict(self.database.table(table))
        rows.update((key, row) for (name, key), row in self.written.items() if name == table)
        yield from (row for row in rows.values() if row is not None)

    async def lock(
        self, table: str, keys: Iterable[Hashable], matches: Callable[[Any], bool] = lambda _row: True
    ) -> list[Any]:
        """Lock the rows of some keys that match, and return copies of them, which are written with the commit."""
        await self.statement()
        keys = list(keys)
        while True:
            found = [key for key in keys if (row := self.find(table, key)) is not None and matches(row)]
            holder = self.holder((table, key) for key in found)
            if holder is None:
                break
            await self.wait_for(holder)
        for key in found:
            self.take((table, key))
            self.written[table, key] = copy.copy(self.find(table, key))
        return [self.written[table, key] for key in found]

    async def delete(
        self, table: str, keys: Iterable[Hashable], matches: Callable[[Any], bool] = lambda _row: True
    ) -> int:
        """Delete the rows of some keys that match. Return their number."""
        rows = await self.lock(table, keys, matches)
        gone = {id(row) for row in rows}
        for key, row in list(self.written.items()):
            if id(row) in gone:
                self.written[key] = None
        return len(rows)

    async def insert(self, table: str, key: Hashable, row: Any) -> Any:
        """Insert a row, and return None; return a locked copy of the row that is there already, if any."""
        await self.statement()
        await self.lock_row(table, key)
        found = self.find(table, key)
        self.written[table, key] = row if found is None else copy.copy(found)
        return None if found is None else self.written[table, key]

    # -- locks ---------------------------------------------------------------------------------------------------------

    async def lock_row(self, table: str, key: Hashable) -> None:
        """Lock a row, which need not exist, after the transactions that have locked it. Raises OSError."""
        while (holder := self.holder([(table, key)])) is not None:
            await self.wait_for(holder)
        self.take((table, key))

    def take(self, key: Key) -> None:
        if key not in self.database.locks or self.database.locks[key] is not self:
            self.database.locks[key] = self
            self.locked.append(key)

    def holder(self, keys: Iterable[Key]) -> Transaction | None:
        """Return another transaction that has locked one of some rows."""
        locks = self.database.locks
        for key in keys:
            other = locks.get(key)
            if other is not None and other is not self:
                if not other.ended():
                    return other
                other.rollback()
        return None

    async def wait_for(self, holder: Transaction) -> None:
        """Wait for the end of another transaction. Raises OSError for a deadlock, or after a while."""
        other: Transaction | None = holder
        while other is not None:
            if other is self:
                self.rollback()
                raise ConnectionAbortedError("deadlock")
            other = other.waits_for
        future = asyncio.get_running_loop().create_future()
        self.waits_for = holder
        holder.waiting.append(future)

        def give_up() -> None:
            if future.done():
                return
            waits = holder.waits_for is not None and not holder.waits_for.over
            idle = not waits and self.world.now >= holder.last_statement + IDLE_TRANSACTION
            if holder.ended() or idle:
                holder.rollback()
            else:
                future.set_exception(TimeoutError("lock wait timeout"))

        self.world.at(LONGEST_LOCK_WAIT, give_up)
        try:
            await future
        finally:
            self.waits_for = None
        self.require_open()

    # -- the end -------------------------------------------------------------------------------------------------------

    def commit(self) -> bool:
        """Commit, and return whether that succeeded."""
        if self.over or self.ended() or not all(guard() for guard in self.guards):
            self.rollback()
            return False
        self.world.check_commit(self)
        for (name, key), row in self.written.items():
            table = self.database.table(name)
            if row is None:
                table.pop(key, None)
            else:
                table[key] = row
        self.committed = True
        self.end()
        return True

    def rollback(self) -> None:
        """Undo everything, unless the transaction has ended."""
        self.written = {}
        self.end()

    def end(self) -> None:
        if self.over:
            return
        self.over = True
        for key in self.locked:
            if self.database.locks.get(key) is self:
                del self.database.locks[key]
        for future in self.waiting:
            if not future.done():
                future.set_result(None)


class Client:
    """The database as a process uses it, with the interface of the node's class."""

    run = NodeDatabase.run

    def __init__(self, process: Process) -> None:
        self.process = process

    def begin(self) -> Begun:
        """Open a transaction; it is committed when the block ends without an error."""
        return Begun(self.process)


class Begun:
    """The context of a transaction."""

    def __init__(self, process: Process) -> None:
        self.process = process

    async def __aenter__(self) -> Transaction:
        self.transaction: Transaction = await request(self.process, lambda: Transaction(self.process))
        return self.transaction

    async def __aexit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        transaction = self.transaction
        if kind is not None or not (transaction.written or transaction.guards):
            transaction.rollback()
            return

        def undo() -> None:
            if (
                not self.process.world.database.paused
            ):  # otherwise the commit may be the first that it does when it continues
                transaction.rollback()

        if not await request(self.process, transaction.commit, undo):
            raise ConnectionAbortedError("the transaction was undone for the sake of another one")


async def request(process: Process, ask: Callable[[], Any], lost: Callable[[], None] = lambda: None) -> Any:
    """Return the database's answer. Raises TimeoutError without one; the database may have done what was asked for.

    lost: called then.
    """
    future = asyncio.get_running_loop().create_future()

    def answered(answer: Any) -> None:
        if not future.done():
            future.set_result(answer)

    def failed() -> None:
        lost()
        if not future.done():
            future.set_exception(TimeoutError("no answer of the database"))

    process.world.call(process, DB, ask, answered, failed, READ_TIMEOUT, once=True)
    return await future
