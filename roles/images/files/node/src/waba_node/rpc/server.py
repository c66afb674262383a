"""Answers the calls of other nodes."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import ClassVar

import msgspec
from aiohttp import web

from ..address import PortName
from .protocol import (
    ACCESS_DENIED,
    INTERNAL_ERROR,
    LARGEST_BODY,
    NOT_FOUND,
    SIGNATURE,
    Payload,
    RpcError,
    encode_refusal,
)
from .trust import NotTrusted, Trust

log = logging.getLogger(__name__)

Handler = Callable[[Payload], Awaitable[Payload]]


class RpcServer:
    """Answers the other nodes on the messaging, contacts and control ports, or on some of them."""

    PORTS: ClassVar[tuple[PortName, ...]] = (PortName.MESSAGING, PortName.CONTACTS, PortName.CONTROL)

    def __init__(
        self,
        listen_ports: tuple[int, ...],
        trust: Trust,
        refusal: Callable[[Exception], RpcError | None] = lambda _error: None,
        ports: tuple[PortName, ...] = PORTS,
        host: str | None = None,
    ) -> None:
        """refusal: the refusal for a handler's exception, None for an unexpected one. host: None listens on every address."""
        self.listen_ports, self.trust, self.refusal, self.host = listen_ports, trust, refusal, host
        self.handlers: dict[PortName, dict[str, Handler]] = {port: {} for port in ports}
        self.runners: list[web.AppRunner] = []
        self.on_answer: Callable[[str, bool, float], None] = lambda _method, _success, _seconds: None

    def add(self, port: PortName, method: str, handler: Handler) -> None:
        """Answer `method` on a port with `handler`, which may raise RpcError."""
        self.handlers[port][method] = handler

    async def start(self) -> None:
        """Listen. Raises OSError when a port is taken."""
        for port, handlers in self.handlers.items():
            application = web.Application(client_max_size=LARGEST_BODY)
            application.router.add_post("/{method}", self._answering(handlers))
            runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=5)
            await runner.setup()
            await web.TCPSite(runner, self.host, self.listen_ports[port]).start()
            self.runners.append(runner)

    async def stop(self) -> None:
        """Stop listening after the calls in progress are answered."""
        for runner in self.runners:
            await runner.cleanup()

    def _answering(self, handlers: dict[str, Handler]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            method, signature = request.match_info["method"], request.headers.get(SIGNATURE, "")
            try:
                self.trust.admit(signature)
                body = await request.read()
                secret = self.trust.verify(signature, method, body)
            except NotTrusted as reason:
                # Not signed: a stranger must not obtain our signature of anything.
                refusal = encode_refusal(RpcError(ACCESS_DENIED, "Access denied", str(reason)))
                denied = web.Response(body=refusal, status=401)
                # The caller may have resolved a stale address; close the connection so that it is not reused under that name.
                denied.force_close()
                return denied
            except (web.RequestPayloadError, OSError):  # the body did not arrive completely
                return web.Response(status=400)
            began = time.monotonic()
            status, content = await self._handled(handlers, method, body)
            self.on_answer(method if method in handlers else "unknown", status == 200, time.monotonic() - began)
            return web.Response(
                body=content, status=status, headers={SIGNATURE: self.trust.sign_answer(signature, content, secret)}
            )

        return answer

    async def _handled(self, handlers: dict[str, Handler], method: str, body: bytes) -> tuple[int, bytes]:
        try:
            if method not in handlers:
                raise RpcError(NOT_FOUND, "Resource not found", f"no method {method} on this port")
            return 200, msgspec.json.encode(await handlers[method](msgspec.json.decode(body)))
        except RpcError as error:
            return 409, encode_refusal(error)
        except Exception as error:
            if (refusal := self.refusal(error)) is not None:
                return 409, encode_refusal(refusal)
            log.exception("%s failed", method)
            return 500, encode_refusal(RpcError(INTERNAL_ERROR, "Internal error", type(error).__name__))
