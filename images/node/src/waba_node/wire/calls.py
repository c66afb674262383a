"""One node calls a method of another: `POST http://host:port/<method>` with a JSON object, answered by one."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import web

from .address import NodeAddress, PortName

log = logging.getLogger(__name__)

Handler = Callable[[dict], Awaitable[dict]]
SIGNATURE = "X-Waba-Signature"
LARGEST_BODY = 1 << 20  # bytes
ACCESS_DENIED = 1005
INTERNAL_ERROR = 1014


class WireError(Exception):
    """A call that was refused or did not arrive. `code` and `title` are the vendor's, as in its error table."""

    def __init__(self, code: int, title: str, details: str = "") -> None:
        super().__init__(f"{code} {title}: {details}")
        self.code, self.title, self.details = code, title, details


def signature(secret: str, method: str, body: bytes) -> str:
    """Return the proof that the caller knows the cluster's secret (ours; the vendor has WA_SECRET for the same end)."""
    return hmac.new(secret.encode(), method.encode() + b"\n" + body, hashlib.sha256).hexdigest()


class WireServer:
    """Answers the other nodes on the messaging, contacts and control ports."""

    def __init__(
        self,
        listen_ports: tuple[int, ...],
        secret: str,
        refusal: Callable[[Exception], WireError | None] = lambda _error: None,
    ) -> None:
        """refusal: what a caller is told of a handler's exception; None for what should not happen."""
        self.listen_ports, self.secret, self.refusal = listen_ports, secret, refusal
        self.handlers: dict[PortName, dict[str, Handler]] = {
            PortName.MESSAGING: {},
            PortName.CONTACTS: {},
            PortName.CONTROL: {},
        }
        self.runners: list[web.AppRunner] = []

    def add(self, port: PortName, method: str, handler: Handler) -> None:
        """Let `handler` answer `method` on a port. It may raise WireError."""
        self.handlers[port][method] = handler

    async def start(self) -> None:
        """Listen. Raises OSError when a port is taken."""
        for port, handlers in self.handlers.items():
            application = web.Application(client_max_size=LARGEST_BODY)
            application.router.add_post("/{method}", self._answering(handlers))
            runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=5)
            await runner.setup()
            await web.TCPSite(runner, port=self.listen_ports[port]).start()
            self.runners.append(runner)

    async def stop(self) -> None:
        """Stop listening after what is being answered."""
        for runner in self.runners:
            await runner.cleanup()

    def _answering(self, handlers: dict[str, Handler]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            try:
                return web.json_response(await self._handle(request, handlers))
            except WireError as error:
                return refused(error, 409)
            except Exception as error:
                if (refusal := self.refusal(error)) is not None:
                    return refused(refusal, 409)
                log.exception("%s failed", request.path)
                return refused(WireError(INTERNAL_ERROR, "Internal error", type(error).__name__), 500)

        def refused(error: WireError, status: int) -> web.Response:
            content = {"code": error.code, "title": error.title, "details": error.details}
            return web.json_response({"error": content}, status=status)

        return answer

    async def _handle(self, request: web.Request, handlers: dict[str, Handler]) -> dict:
        method, body = request.match_info["method"], await request.read()
        given = request.headers.get(SIGNATURE, "").encode(errors="replace")
        if self.secret and not hmac.compare_digest(signature(self.secret, method, body).encode(), given):
            raise WireError(ACCESS_DENIED, "Access denied", "the call is not signed with this cluster's WA_SECRET")
        handler = handlers.get(method)
        if handler is None:
            raise WireError(1006, "Resource not found", f"no method {method} on this port")
        return await handler(json.loads(body))


class WireClient:
    """Calls other nodes, over connections that are kept."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.session: aiohttp.ClientSession | None = None

    async def call(self, address: NodeAddress, port: PortName, method: str, payload: dict, timeout: float) -> dict:
        """Call a method of a node and return its answer.

        timeout: seconds for the whole call. Raises WireError: the node's own, or 1014 when it did not answer.
        """
        if self.session is None:
            self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, limit_per_host=64))
        body = json.dumps(payload).encode()
        headers = {SIGNATURE: signature(self.secret, method, body)} if self.secret else {}
        try:
            async with self.session.post(
                f"http://{address.at(port)}/{method}",
                data=body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=timeout),
            ) as response:
                answer = await response.json()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            reason = str(error) or "no answer in time"
            raise WireError(
                INTERNAL_ERROR, "Internal error", f"{address.at(port)} does not answer: {reason}"
            ) from error
        if "error" in answer:
            raise WireError(**answer["error"])
        return answer

    async def close(self) -> None:
        """Close every connection."""
        if self.session is not None:
            await self.session.close()
