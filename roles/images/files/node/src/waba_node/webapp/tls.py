"""The versions and ciphers of TLS, and the Server header, of the API and of the webhook listener."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from aiohttp import web_response

# Of TLS 1.2: ciphers with forward secrecy and authenticated encryption. Every cipher of TLS 1.3 has both.
CIPHERS = "@SECLEVEL=2:ECDHE+AESGCM:ECDHE+CHACHA20"
SERVER_HEADER = "waba"


def server_context() -> ssl.SSLContext:
    """Return a server's TLS context without a certificate. It accepts TLS 1.2 and 1.3."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    return context


def front_context(current: Callable[[], ssl.SSLContext | None]) -> ssl.SSLContext:
    """Return the context of a listening socket. Each new connection gets the certificate of the context that `current` returns.

    A context holds one certificate per type of key, and a second one may be ignored. So each certificate has a context of its own. Versions and
    ciphers of a connection are those of this context.
    """

    def select(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        chosen = current()
        if chosen is not None:
            connection.context = chosen

    front = server_context()
    front.sni_callback = select  # also called for clients that send no server name
    return front


def hide_versions() -> None:
    """Name no version in the Server header of any response of this process.

    aiohttp also writes its header, with its own and Python's version, in answers to malformed requests, which reach no handler and no signal.
    """
    web_response.SERVER_SOFTWARE = SERVER_HEADER  # type: ignore[attr-defined]
