"""The listening sockets of the API. A client that speaks plain HTTP gets an answer that names HTTPS instead of a broken connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable

from .sockets import accepted, listen_everywhere

log = logging.getLogger(__name__)

FIRST_BYTE_TIMEOUT = 15.0  # seconds
LONGEST_REQUEST = 4096  # bytes that are read of a plain HTTP request
TLS_RECORD = b"\x16"  # a TLS connection begins with this byte: a handshake record


class HttpsListener:
    """Accepts connections and passes those that speak TLS on to an HTTP protocol.

    accepted: the number of connections accepted so far.
    """

    def __init__(
        self,
        protocol: Callable[[], asyncio.BaseProtocol],
        tls: ssl.SSLContext,
        refusal: Callable[[str], bytes],
        tasks: asyncio.TaskGroup,
    ) -> None:
        """refusal: returns the complete HTTP response to a plain HTTP request from its Host header. tasks: the tasks of the process."""
        self.protocol, self.tls, self.refusal, self.tasks = protocol, tls, refusal, tasks
        self.accepted = 0
        self.sockets: list[socket.socket] = []
        self.loops: list[asyncio.Task[None]] = []
        self.starting: set[asyncio.Task[None]] = set()

    async def start(self, port: int) -> None:
        """Listen on all IPv4 and IPv6 addresses. Raises OSError if the port is in use."""
        self.sockets = listen_everywhere(port)
        for listening in self.sockets:
            self.loops.append(self.tasks.create_task(self._accept(listening), name=f"accept {listening.family.name}"))

    async def stop(self) -> None:
        """Stop listening. Established connections are not affected."""
        for task in (*self.loops, *self.starting):
            task.cancel()
        await asyncio.gather(*self.loops, *self.starting, return_exceptions=True)
        for listening in self.sockets:
            listening.close()

    async def _accept(self, listening: socket.socket) -> None:
        async for connection, remote in accepted(listening):
            self.accepted += 1
            task = self.tasks.create_task(self._begin(connection, remote))
            self.starting.add(task)
            task.add_done_callback(self.starting.discard)

    async def _begin(self, connection: socket.socket, remote: str) -> None:
        """Pass a connection on to the HTTP protocol, or answer it here if it does not speak TLS."""
        connection.setblocking(False)
        passed_on = False
        try:
            async with asyncio.timeout(FIRST_BYTE_TIMEOUT):
                first = await _peek(connection)
                if first == TLS_RECORD:
                    passed_on = True
                    await asyncio.get_running_loop().connect_accepted_socket(self.protocol, connection, ssl=self.tls)
                elif first:
                    await self._refuse(connection, remote)
        except (OSError, TimeoutError):  # the client went away, or the handshake failed
            pass
        except Exception:
            log.exception("a connection from %s failed", remote)
        finally:
            if not passed_on:
                connection.close()

    async def _refuse(self, connection: socket.socket, remote: str) -> None:
        """Answer a request in plain HTTP."""
        loop = asyncio.get_running_loop()
        head = await loop.sock_recv(connection, LONGEST_REQUEST)
        log.info("%s sent plain HTTP to the HTTPS port", remote)
        await loop.sock_sendall(connection, self.refusal(_host(head)))
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        # Read what else was sent, so that closing the socket does not discard the answer.
        while await loop.sock_recv(connection, LONGEST_REQUEST):
            pass


async def _peek(connection: socket.socket) -> bytes:
    """Return the first byte of a connection without consuming it, b"" if the client closes it."""
    loop = asyncio.get_running_loop()
    while True:
        with contextlib.suppress(BlockingIOError):
            return connection.recv(1, socket.MSG_PEEK)
        readable = asyncio.Event()
        loop.add_reader(connection, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(connection)


def _host(head: bytes) -> str:
    """Return the Host header of a request, "" if it has none."""
    for line in head.split(b"\r\n")[1:]:
        name, _separator, value = line.partition(b":")
        if name.strip().lower() == b"host":
            return value.strip().decode("ascii", "replace")
    return ""
