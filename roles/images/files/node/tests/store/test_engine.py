"""Connections and transactions while a server dies, hands over, or stays silent."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from asyncmy.errors import OperationalError as DriverError  # type: ignore[import-untyped]
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from waba_node.config import DatabaseConfig
from waba_node.store import engine
from waba_node.store.engine import CONNECT_TIMEOUT, DATABASE_ERRORS, Database, is_transient


def failure(code: int) -> OperationalError:
    return OperationalError("COMMIT", None, DriverError(code, "injected"))


@pytest.mark.parametrize("code", [1047, 1180, 1205, 1213, 1290, 2003, 2006, 2013])
def test_an_error_of_a_failover_is_transient(code: int) -> None:
    assert is_transient(failure(code))


@pytest.mark.parametrize(
    "error",
    [failure(1064), failure(1406), IntegrityError("INSERT", None, DriverError(1062, "duplicate")), ValueError()],
)
def test_an_error_of_the_statement_itself_is_not_transient(error: Exception) -> None:
    assert not is_transient(error)


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionResetError(), sa.exc.TimeoutError()])
def test_a_missing_answer_is_transient(error: Exception) -> None:
    assert is_transient(error)


async def test_a_server_that_accepts_connections_and_stays_silent_is_given_up_soon() -> None:
    """A proxy in front of a dead server does so, without end."""
    closed = asyncio.Event()

    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        closed.set()
        writer.close()

    server = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    database = Database(DatabaseConfig("127.0.0.1", port, "waba", "secret", "waba", 180.0))
    began = time.monotonic()
    with pytest.raises(DATABASE_ERRORS):
        async with database.begin():
            pass
    assert time.monotonic() - began < 2 * CONNECT_TIMEOUT
    async with asyncio.timeout(1):
        await closed.wait()
    await database.close()
    server.close()


async def test_a_transaction_is_repeated_until_it_succeeds(database: Database) -> None:
    errors = [failure(1213), failure(2013), TimeoutError()]

    async def transaction(connection: AsyncConnection) -> int:
        if errors:
            raise errors.pop(0)
        return int((await connection.execute(sa.text("SELECT 7"))).scalar_one())

    assert await database.run(transaction, 5.0) == 7
    assert errors == []


async def test_a_transaction_is_not_repeated_beyond_its_patience(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "RETRY_PAUSE", 0.05)
    runs = 0

    async def transaction(_connection: AsyncConnection) -> None:
        nonlocal runs
        runs += 1
        raise failure(1213)

    with pytest.raises(OperationalError):
        await database.run(transaction, 0.3)
    assert 2 <= runs <= 6


async def test_a_transaction_that_hangs_is_abandoned_and_repeated(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "ATTEMPT", 0.3)
    pauses = iter([5, 0])

    async def transaction(connection: AsyncConnection) -> str:
        await connection.execute(sa.select(sa.func.sleep(next(pauses))))
        return "done"

    began = time.monotonic()
    assert await database.run(transaction, 3.0) == "done"
    assert time.monotonic() - began < 3.0


async def test_a_server_that_is_not_there_fails_a_transaction_when_its_patience_ends(
    database: Database, free_ports: Callable[[int], tuple[int, ...]]
) -> None:
    (unused,) = free_ports(1)
    away = Database(dataclasses.replace(database.config, port=unused))
    began = time.monotonic()
    with pytest.raises(DATABASE_ERRORS):
        await away.run(lambda connection: connection.execute(sa.text("SELECT 1")), 0.5)
    assert time.monotonic() - began < 3.0
    await away.close()
