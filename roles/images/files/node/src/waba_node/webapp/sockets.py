"""Sockets that listen on every address of the node, and the connections that they accept."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator

log = logging.getLogger(__name__)

BACKLOG = 128  # connections that wait to be accepted
PAUSE = 1.0  # seconds after a failed accept, such as for too many open files
NO_SUCH_FAMILY = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)


def listen_everywhere(port: int) -> list[socket.socket]:
    """Return sockets that listen on all IPv4 and IPv6 addresses. Raises OSError if the port is in use."""
    listening = [_listen(socket.AF_INET, port)]
    try:
        listening.append(_listen(socket.AF_INET6, port))
    except OSError as error:
        if error.errno not in NO_SUCH_FAMILY:  # the host has IPv6
            listening[0].close()
            raise
    return listening


async def accepted(listening: socket.socket) -> AsyncIterator[tuple[socket.socket, str]]:
    """Yield each connection with the address of its client, without end."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            connection, address = await loop.sock_accept(listening)
        except OSError as error:
            log.warning("cannot accept a connection at port %d: %s", listening.getsockname()[1], error)
            await asyncio.sleep(PAUSE)
            continue
        yield connection, address[0]


def _listen(family: socket.AddressFamily, port: int) -> socket.socket:
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.setblocking(False)
        listening.bind(("", port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
