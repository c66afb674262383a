"""Waits until a second member of a database cluster has applied what was committed: docs/adr/0027-three-database-members.md."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time

import sqlalchemy as sa

from ..config import DatabaseConfig
from .engine import ATTEMPT, CONNECT_TIMEOUT, DATABASE_ERRORS, RETRY_PAUSE, Database, is_transient

log = logging.getLogger(__name__)

# Of the server, not of the connection: a message that is stored already belongs to another transaction.
COMMITTED = sa.text("SELECT CAST(WSREP_LAST_SEEN_GTID() AS CHAR)")
WAIT = sa.text("SELECT WSREP_SYNC_WAIT_UPTO_GTID(:position, :seconds)")


class NoSecondMember(Exception):
    """No member that only reads answers."""


class SecondMember:
    """A member beside the writer. present: whether one answered last; while none does, nothing waits for one."""

    def __init__(self, config: DatabaseConfig) -> None:
        """config: `second_port` leads to any member that is in step with the writer."""
        self.database = Database(dataclasses.replace(config, port=config.second_port))
        self.present = True

    async def probe(self) -> None:
        """Find out whether a second member answers. Call it every second."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT), self.database.begin() as connection:
                await connection.execute(sa.text("SELECT 1"))
            self._record(True)
        except DATABASE_ERRORS:
            self._record(False)

    async def confirm(self, writer: Database, until: float) -> bool:
        """Wait until a second member has applied everything that the writer has committed. Return False where no second member answers.

        until (monotonic): a member that answers and does not apply it by then makes this raise one of DATABASE_ERRORS.
        """
        position, absent_at = "", time.monotonic() + CONNECT_TIMEOUT
        while self.present:
            try:
                async with asyncio.timeout(ATTEMPT):
                    position = position or await self._committed(writer)
                    await self._wait(position)
                self._record(True)
                return True
            except NoSecondMember:
                if time.monotonic() > absent_at:
                    self._record(False)
            except DATABASE_ERRORS as error:
                if not is_transient(error) or time.monotonic() + RETRY_PAUSE >= until:
                    raise
            await asyncio.sleep(RETRY_PAUSE)
        return False

    async def close(self) -> None:
        """Close every connection."""
        await self.database.close()

    @staticmethod
    async def _committed(writer: Database) -> str:
        async with writer.begin() as connection:
            return str((await connection.execute(COMMITTED)).scalar_one())

    async def _wait(self, position: str) -> None:
        try:
            connection = await self.database.engine.connect()
        except DATABASE_ERRORS as error:
            raise NoSecondMember from error
        try:
            await connection.execute(WAIT, {"position": position, "seconds": ATTEMPT})
        finally:
            await connection.close()

    def _record(self, present: bool) -> None:
        if present != self.present:
            log.warning("a second member of the database %s", "answers again" if present else "does not answer")
        self.present = present
