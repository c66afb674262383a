"""The sockets of the webhook listener. Their number and their patience are bounded, apart from those of the API.

Any client on the internet can reach this port. A connection costs little until it has sent a complete, signed request: one that takes too long is
closed, and when all are taken, the one that has waited longest makes room.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from .sockets import accepted, listen_everywhere

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 256
HANDSHAKE_TIMEOUT = 5.0  # seconds for TLS
REQUEST_TIMEOUT = 10.0  # seconds until the head of a request is complete, and again until its body is
IDLE_TIMEOUT = 75.0  # seconds between two requests on a connection that has sent a signed one
LINGER = 2.0  # seconds in which the rest of a refused body is read, so that the sender can read the answer
READ_BUFFER = (
    1 << 14
)  # bytes of a body that the HTTP library buffers per connection; it pauses reading at twice as much

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class BoundedServer(web.Server):
    """An HTTP server that knows which connections wait for the rest of a request.

    waiting: connection -> monotonic time at which it is closed. Those that have waited longest come first.
    """

    def __init__(self, handler: Handler) -> None:
        # The signature covers the bytes as sent, so no body is decompressed.
        super().__init__(
            handler,
            access_log=None,
            auto_decompress=False,
            read_bufsize=READ_BUFFER,
            lingering_time=LINGER,
            keepalive_timeout=2 * IDLE_TIMEOUT,
        )
        self.waiting: dict[web.RequestHandler, float] = {}

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self.wait(handler, REQUEST_TIMEOUT)

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self.waiting.pop(handler, None)

    def wait(self, handler: web.RequestHandler, seconds: float) -> None:
        """Close a connection in `seconds` seconds unless its request is complete by then."""
        self.waiting.pop(handler, None)
        if handler.transport is not None:
            self.waiting[handler] = time.monotonic() + seconds

    def complete(self, handler: web.RequestHandler) -> None:
        """Stop the clock of a connection: its request is complete."""
        self.waiting.pop(handler, None)

    def close_longest_waiting(self) -> bool:
        """Close the connection that has waited longest. Return False if none waits."""
        for handler in self.waiting:
            self._abort(handler)
            return True
        return False

    def close_overdue(self) -> int:
        """Close the connections whose time is over. Return their number."""
        now = time.monotonic()
        overdue = [handler for handler, until in self.waiting.items() if until <= now]
        for handler in overdue:
            self._abort(handler)
        return len(overdue)

    def _abort(self, handler: web.RequestHandler) -> None:
        del self.waiting[handler]
        if handler.transport is not None:
            handler.transport.abort()


class WebhookListener:
    """Accepts connections for a server, over TLS where a context is given.

    evicted: how many connections were closed to make room or because they took too long.
    """

    def __init__(self, server: BoundedServer, tls: ssl.SSLContext | None, tasks: asyncio.TaskGroup) -> None:
        """tasks: the tasks of the process."""
        self.server, self.tls, self.tasks = server, tls, tasks
        self.evicted = 0
        self.sockets: list[socket.socket] = []
        self.loops: list[asyncio.Task[None]] = []
        self.starting: dict[asyncio.Task[None], None] = {}  # TLS handshakes, the oldest first

    async def start(self, port: int) -> None:
        """Listen on all IPv4 and IPv6 addresses. Raises OSError if the port is in use."""
        self.sockets = listen_everywhere(port)
        for listening in self.sockets:
            name = f"accept webhooks {listening.family.name}"
            self.loops.append(self.tasks.create_task(self._accept(listening), name=name))

    async def stop(self) -> None:
        """Stop listening. Established connections are not affected."""
        tasks = [*self.loops, *self.starting]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for listening in self.sockets:
            listening.close()
        self.sockets.clear()
        self.loops.clear()

    def close_overdue(self) -> None:
        """Close the connections whose time is over."""
        self.evicted += self.server.close_overdue()

    async def _accept(self, listening: socket.socket) -> None:
        async for connection, _remote in accepted(listening):
            if not self._make_room():
                connection.close()
                continue
            task = self.tasks.create_task(self._begin(connection))
            self.starting[task] = None
            task.add_done_callback(lambda done: self.starting.pop(done, None))

    def _make_room(self) -> bool:
        """Return whether there is room for one more connection, after closing one if necessary."""
        if len(self.starting) + len(self.server.connections) < MOST_CONNECTIONS:
            return True
        self.evicted += 1
        if len(self.starting) > MOST_CONNECTIONS // 2:
            next(iter(self.starting)).cancel()
            return True
        return self.server.close_longest_waiting()

    async def _begin(self, connection: socket.socket) -> None:
        """Pass a connection on to the HTTP server."""
        connection.setblocking(False)
        options: dict[str, Any] = {"ssl": self.tls, "ssl_handshake_timeout": HANDSHAKE_TIMEOUT} if self.tls else {}
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self.server, connection, **options)
        except (OSError, TimeoutError):  # the sender went away, or the handshake failed
            pass
        except Exception:
            log.exception("a webhook connection failed")
