"""The way to the database."""

from __future__ import annotations

import contextlib
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa
from asyncmy.connection import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ..config import DatabaseConfig

log = logging.getLogger(__name__)

CONNECTIONS = 8  # per node at the most; what max_connections must allow is this times the nodes
CONNECT_TIMEOUT = 3  # seconds
AT_REST = 1.0  # seconds after which a connection is asked whether it is alive: under load that would be one more way there and back each time
READ_TIMEOUT = 10.0  # seconds for the answer to a statement; a server that vanished would never give one
# Who waits for a lock gives up soon, and who died with one loses it soon: else a master that hangs in the middle of a transaction
# would keep the lease from all others. MariaDB can end idle transactions; MySQL can only end idle connections, which the pool renews.
SESSION = (
    "SET SESSION innodb_lock_wait_timeout=5 /*M!100300 , idle_transaction_timeout=5 */ /*!80000 , wait_timeout=15 */"
)
UNKNOWN_DATABASE = 1049
NO_SUCH_TABLE = 1146
DATABASE_ERRORS = (
    SQLAlchemyError,
    OSError,
    TimeoutError,
)  # everything that a transaction raises when the database fails


def error_summary(error: BaseException) -> str:
    """Return the driver's own description of a database error in one line, without SQL and parameters."""
    original = getattr(error, "orig", None) or error
    return f"{type(original).__name__}: {str(original) or 'no answer in time'}".splitlines()[0][:200]


def _ping(connection: Any) -> bool:
    """Ask a connection that was at rest whether it is alive. (SQLAlchemy looks at PyMySQL, where that is installed too, for how to ask asyncmy.)"""
    if time.monotonic() - connection.driver_connection.last_usage > AT_REST:
        connection.ping(False)
    return True


def _without_alias(dialect: Any) -> Callable[[Any], None]:
    """Return what learns about the server, as SQLAlchemy's does. But a new row gets no name (`AS new`), which only MySQL knows and from which
    the driver does not see that it may make one statement of many rows; VALUES(column) says the same on both servers."""
    initialize = dialect.initialize

    def initialize_without_alias(connection: Any) -> None:
        initialize(connection)
        dialect._requires_alias_for_on_duplicate_key = False

    return initialize_without_alias


async def _connect(**arguments: Any) -> Connection:
    """Connect. What goes by TLS is secure, which the driver forgets (asyncmy's issue 117): MySQL would refuse every password that it has not seen lately."""
    connection = Connection(**arguments)
    connection._secure = "ssl" in arguments
    await connection.connect()
    return connection


class Database:
    """A bounded pool of connections, and the database itself where it is missing."""

    def __init__(self, config: DatabaseConfig, read_timeout: float | None = READ_TIMEOUT) -> None:
        self.config, self.read_timeout = config, read_timeout
        self.timed: Callable[[], AbstractContextManager] = contextlib.nullcontext  # around every transaction
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
        arguments: dict = {
            "connect_timeout": CONNECT_TIMEOUT,
            "read_timeout": self.read_timeout,
            "init_command": SESSION,
            "async_creator_fn": _connect,
        }
        if self.config.tls_ca:
            context = ssl.create_default_context(cafile=self.config.tls_ca)
            context.verify_flags &= (
                ~ssl.VERIFY_X509_STRICT
            )  # what an operator's own authority leaves out proves nothing (as before Python 3.13)
            if self.config.tls_certificate:
                context.load_cert_chain(self.config.tls_certificate, self.config.tls_key)
            arguments["ssl"] = context
        engine = create_async_engine(
            url,
            connect_args=arguments,
            pool_size=CONNECTIONS // 2,
            max_overflow=CONNECTIONS - CONNECTIONS // 2,
            pool_timeout=CONNECT_TIMEOUT,
            pool_recycle=self.config.idle_timeout,
            pool_pre_ping=True,
            pool_reset_on_return=None,  # all that is done is done in transactions, which have ended by then: see begin
            hide_parameters=True,
            isolation_level="READ COMMITTED",
        )
        engine.dialect.do_ping = _ping
        engine.dialect.initialize = _without_alias(engine.dialect)
        return engine

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction; it is committed when the block ends without an error."""
        with self.timed():
            async with self.engine.begin() as connection:
                yield connection

    async def ensure(self) -> None:
        """Create the database when it is missing. Raises sqlalchemy.exc.DBAPIError when that is not allowed or nothing answers."""
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
