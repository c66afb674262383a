"""Shared by the node's tests: a real database server, and a receiver of webhooks."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import json
import os
import random
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import sqlalchemy as sa
import uvloop
from hypothesis import settings
from waba_node.config import DATABASE, DatabaseConfig
from waba_node.store import master_lease, schema
from waba_node.store.engine import Database
from waba_node.webapp import certificate

SERVER = "WABA_TEST_DATABASE"

# The duration of an example depends on how busy the machine is.
settings.register_profile("node", deadline=None)
settings.load_profile("node")


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, Callable]:
    """Run on the node's event loop, whose sockets and transports differ from asyncio's own."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def database_server() -> DatabaseConfig:
    """The server that WABA_TEST_DATABASE names; each test creates its own database there."""
    if not os.environ.get(SERVER):
        pytest.skip(f"{SERVER} is not set: it names the database server, as mysql://user:password@host:port/name")
    url = urlsplit(os.environ[SERVER])
    name = f"{url.path.strip('/')}_{secrets.token_hex(4)}_"
    return DatabaseConfig(url.hostname, url.port or 3306, url.username, unquote(url.password or ""), name, 180.0)


@contextlib.asynccontextmanager
async def dropped_afterwards(config: DatabaseConfig) -> AsyncIterator[Database]:
    """Connect to a database, and drop it afterwards."""
    database = Database(config)
    try:
        yield database
    finally:
        async with database.begin() as connection:
            await connection.execute(sa.text(f"DROP DATABASE IF EXISTS `{config.name}`"))
        await database.close()


@pytest.fixture
async def database(database_server: DatabaseConfig) -> AsyncIterator[Database]:
    """A new database with the current schema."""

    async def allowed(_connection: object) -> bool:
        return True

    config = dataclasses.replace(database_server, name=f"{database_server.name}{secrets.token_hex(4)}_{DATABASE}")
    async with dropped_afterwards(config) as made:
        await made.ensure()
        async with made.begin() as connection:
            await master_lease.create_table(connection)
        await schema.upgrade(made, allowed)
        yield made


@pytest.fixture
async def tasks() -> AsyncIterator[asyncio.TaskGroup]:
    """The task group of a node."""
    async with asyncio.TaskGroup() as group:
        yield group


@pytest.fixture(scope="session")
def free_ports() -> Callable[[int], tuple[int, ...]]:
    """A function that returns unused ports, no port twice.

    They are below the kernel's range for outgoing connections, which could take a port first, and below the ports of the scenarios.
    """
    candidates = iter(random.sample(range(10_000, 20_000), 10_000))

    def is_free(port: int) -> bool:
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                return False
        return True

    def find(count: int) -> tuple[int, ...]:
        return tuple(itertools.islice(filter(is_free, candidates), count))

    return find


class Receiver:
    """A client's webhook receiver: HTTPS with its own certificate. answers: the statuses of the next posts; the last one repeats."""

    def __init__(self, folder: str) -> None:
        self.received: list[dict] = []
        self.changed = threading.Condition()
        self.answers = [200]
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with receiver.changed:
                    status = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                    receiver.received.append(content)
                    receiver.changed.notify_all()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", receiver.url)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = certificate.context_from_folder(folder, "127.0.0.1").wrap_socket(
            self.server.socket, server_side=True
        )
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}/hooks"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def statuses(self) -> list[tuple[str, str]]:
        """Return (message id, status) of every status received, in order."""
        return [(status["id"], status["status"]) for hook in self.received for status in hook.get("statuses", [])]

    def wait(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait until `condition()` is true. Raises TimeoutError."""
        with self.changed:
            if not self.changed.wait_for(condition, seconds):
                raise TimeoutError(f"the receiver has received only {self.received}")

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """A running receiver of webhooks."""
    made = Receiver(str(tmp_path))
    yield made
    made.close()
