"""Connections to the database server, and transactions on them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import sqlalchemy as sa
from asyncmy.connection import Connection  # type: ignore[import-untyped]
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ..client_tls import client_context
from ..config import DatabaseConfig

log = logging.getLogger(__name__)

Result = TypeVar("Result")

CONNECTIONS = 8  # per node at the most; max_connections of the server must allow this number for every node
# Seconds for connecting and the handshake together. A proxy in front of a server that has just died may accept a connection and stay silent.
CONNECT_TIMEOUT = 1.0
PATIENT_CONNECT_TIMEOUT = 10.0  # for commands, which try once
POOL_TIMEOUT = 3.0  # seconds to wait for a connection of the pool
IDLE = 1.0  # seconds after which a connection is tested before its use; under load, a test of each would cost one more round trip
READ_TIMEOUT = 10.0  # seconds for the answer to a statement; a server that vanished would never answer
# A waiting transaction gives up soon, and an idle one loses its locks soon. Otherwise a master that hangs in a transaction would keep the
# lease from all others. MariaDB can end idle transactions; MySQL can only end idle connections, which the pool renews.
# A value that a column cannot hold is refused in every mode of the server: a truncated id would be that of another thing.
SESSION = (
    "SET SESSION sql_mode='STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout=5 "
    "/*M!100300 , idle_transaction_timeout=5 */ /*!80000 , wait_timeout=15 */"
)
ATTEMPT = 2.5  # seconds for a transaction that is repeated when it fails
RETRY_PAUSE = 0.2  # seconds between two attempts
# Seconds in which another member takes over: docs/adr/0027-three-database-members.md promises 5. A webapp waits longer for a node that waits for it.
FAILOVER_PATIENCE = 6.0
UNKNOWN_DATABASE = 1049
NO_SUCH_TABLE = 1146
# Errors of a server that restarts, hands over to another member, or has undone the transaction for the sake of another one.
TRANSIENT = {
    1040,  # too many connections
    1047,  # the member has no quorum
    1053,  # shutdown in progress
    1180,  # the commit was interrupted; its outcome is unknown
    1205,  # lock wait timeout
    1213,  # deadlock, or a conflict with a transaction of another member
    1290,  # read-only: the member is not the writer
    1836,  # read-only mode
    1927,  # the connection was killed
    2003,  # no connection
    2006,  # the connection was closed
    2013,  # the connection was lost during a statement; its outcome is unknown
}
DATABASE_ERRORS = (SQLAlchemyError, OSError, TimeoutError)  # what a transaction raises when the database fails


def error_summary(error: BaseException) -> str:
    """Return the driver's own description of a database error in one line, without SQL and parameters."""
    original = getattr(error, "orig", None) or error
    return f"{type(original).__name__}: {str(original) or 'no answer in time'}".splitlines()[0][:200]


def is_transient(error: BaseException) -> bool:
    """Return whether a transaction that failed with an error may succeed when it is repeated."""
    if isinstance(error, DBAPIError):
        code = error.orig.args[0] if error.orig is not None and error.orig.args else None
        return error.connection_invalidated or code in TRANSIENT
    return isinstance(error, (PoolTimeout, OSError, TimeoutError))


async def repeat_while_transient(attempt: Callable[[], Awaitable[Result]], patience: float) -> Result:
    """Return the result of an attempt; after a transient failure of the database, repeat it for at most `patience` seconds.

    A failed attempt may have had its effect, so repeating it must be harmless. Raises DATABASE_ERRORS.
    """
    until = time.monotonic() + patience
    while True:
        try:
            return await attempt()
        except DATABASE_ERRORS as error:
            if not is_transient(error) or time.monotonic() + RETRY_PAUSE >= until:
                raise
        await asyncio.sleep(RETRY_PAUSE)


def _ping(connection: Any) -> bool:
    """Test a connection that was idle. SQLAlchemy's own test inspects PyMySQL, which may be another version than asyncmy expects."""
    if time.monotonic() - connection.driver_connection.last_usage > IDLE:
        connection.ping(False)
    return True


def _without_alias(dialect: Any) -> Callable[[Any], None]:
    """Return an `initialize` that gives new rows no alias (`AS new`): only MySQL knows it, and with it the driver does not combine rows.

    VALUES(column) means the same on both servers.
    """
    initialize = dialect.initialize

    def initialize_without_alias(connection: Any) -> None:
        initialize(connection)
        dialect._requires_alias_for_on_duplicate_key = False

    return initialize_without_alias


async def _connect(**arguments: Any) -> Connection:
    """Connect, with the handshake, within `connect_timeout` seconds. Raises TimeoutError or the driver's errors.

    A connection with TLS is secure, which the driver does not record (asyncmy's issue 117). Without that, MySQL would refuse every password
    that it has not cached.
    """
    connection = Connection(**arguments)
    connection._secure = "ssl" in arguments
    async with asyncio.timeout(arguments["connect_timeout"]):
        await connection.connect()  # closes itself when it is cancelled
    return connection


class Database:
    """A bounded pool of connections to one database."""

    def __init__(
        self,
        config: DatabaseConfig,
        read_timeout: float | None = READ_TIMEOUT,
        connect_timeout: float = CONNECT_TIMEOUT,
    ) -> None:
        """read_timeout: seconds for the answer to a statement, None for any time. connect_timeout: seconds with the handshake."""
        self.config, self.read_timeout, self.connect_timeout = config, read_timeout, connect_timeout
        self.timed: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext  # around every transaction
        self.engine = self._engine(config.name)

    def _engine(self, name: str | None) -> AsyncEngine:
        url = sa.URL.create(
            "mysql+asyncmy",
            self.config.user,
            self.config.password,
            self.config.host,
            self.config.port,
            name,
            {"charset": "utf8mb4"},
        )
        arguments: dict[str, Any] = {
            "connect_timeout": self.connect_timeout,
            "read_timeout": self.read_timeout,
            "init_command": SESSION,
            "async_creator_fn": _connect,
        }
        if self.config.tls_ca:
            context = client_context(cafile=self.config.tls_ca)
            if self.config.tls_certificate:
                context.load_cert_chain(self.config.tls_certificate, self.config.tls_key)
            arguments["ssl"] = context
        engine = create_async_engine(
            url,
            connect_args=arguments,
            pool_size=CONNECTIONS // 2,
            max_overflow=CONNECTIONS - CONNECTIONS // 2,
            pool_timeout=POOL_TIMEOUT,
            pool_recycle=self.config.idle_timeout,
            pool_pre_ping=True,
            pool_reset_on_return=None,  # every statement is part of a transaction, which has ended by then: see `begin`
            hide_parameters=True,
            isolation_level="READ COMMITTED",
        )
        dialect: Any = engine.dialect
        dialect.do_ping = _ping
        dialect.initialize = _without_alias(dialect)
        return engine

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction; it is committed when the block ends without an error."""
        with self.timed():
            async with self.engine.begin() as connection:
                yield connection

    async def run(
        self, transaction: Callable[[AsyncConnection], Awaitable[Result]], patience: float = FAILOVER_PATIENCE
    ) -> Result:
        """Run a transaction and return its result; after a transient failure, run it again for at most `patience` seconds.

        The outcome of a failed commit is unknown, so a second run must be harmless. Raises DATABASE_ERRORS.
        """

        async def attempt() -> Result:
            async with asyncio.timeout(ATTEMPT), self.begin() as connection:
                return await transaction(connection)

        return await repeat_while_transient(attempt, patience)

    async def ensure(self) -> None:
        """Create the database where it does not exist. Raises sqlalchemy.exc.DBAPIError when that is not allowed or the server does not answer."""
        try:
            async with self.begin() as connection:
                await connection.execute(sa.text("SELECT 1"))
        except DBAPIError as error:
            if error.orig is None or error.orig.args[:1] != (UNKNOWN_DATABASE,):
                raise
            log.info("creating the database %s", self.config.name)
            server = self._engine(None)
            try:
                async with server.begin() as connection:
                    quoted = server.dialect.identifier_preparer.quote_identifier(self.config.name)
                    await connection.execute(sa.text(f"CREATE DATABASE IF NOT EXISTS {quoted} CHARACTER SET utf8mb4"))
            finally:
                await server.dispose()

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
