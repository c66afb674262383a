"""The webhook listener of the Cloud API: a port of its own in every webapp, so that `/v1` need not be reachable from the internet.

A request is answered with 200 once its updates are committed. Meta repeats every other one for days, and it has no call that returns a missed
update (https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview). So no update is lost while the database or
this webapp is away, and what arrives twice is stored once. Nothing is read of a body without a signature, and a wrong signature costs one
hash: the body is neither parsed nor stored. See docs/adr/0028-cloud-webhooks-and-account.md.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import ClientPayloadError, web

from ..runtime.supervisor import Loop
from ..store.engine import DATABASE_ERRORS, FAILOVER_PATIENCE, error_summary
from . import cloud_metrics as results
from .cloud_listener import IDLE_TIMEOUT, REQUEST_TIMEOUT, BoundedServer, WebhookListener
from .cloud_metrics import WebhookMetrics
from .cloud_signature import HEADER, Signature, claimed_digest
from .cloud_updates import NotJson, OwnerNotifier, Split, UpdateWriter, split
from .tls import front_context, server_context

if TYPE_CHECKING:
    from ..config import CloudConfig
    from .process import Webapp

log = logging.getLogger(__name__)

LARGEST_BODY = 4 << 20  # bytes; Meta sends 3 MB at the most
MOST_BUFFERED = 4 * LARGEST_BODY  # bytes of the bodies that are received and not answered yet
LARGE = 64 << 10  # bytes from which a body is split in a thread, one at a time
LONGEST_CHALLENGE = 256  # characters
STOP_TIMEOUT = 8.0  # seconds for the requests in progress when the node stops
CLOSE_TIMEOUT = 0.5  # seconds for the connections to close after that
CHECK_INTERVAL = 1.0  # seconds
REPORT_INTERVAL = 60.0  # seconds between two log lines about refused requests
MOST_LINES = 10  # log lines about what one body contains
LONGEST_LINE = 300  # characters


class Refused(Exception):
    """A request that is not accepted. result: for the metrics. The text is the answer's body."""

    def __init__(self, result: str, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        self.result, self.status, self.headers = result, status, headers
        super().__init__(text)


class CloudWebhooks:
    """The webhook listener of one webapp."""

    def __init__(self, webapp: Webapp, config: CloudConfig) -> None:
        self.webapp, self.config = webapp, config
        self.metrics = WebhookMetrics()
        self.writer = UpdateWriter(webapp.database, OwnerNotifier(webapp.router))
        self.certificate = ReloadedCertificate(config.webhook_certificate, config.webhook_key)
        self.buffered = 0  # bytes
        self.processing = 0
        self.splitting = asyncio.Lock()
        self.certificate_problem = ""
        self.reported_at = time.monotonic()
        self.server: BoundedServer
        self.listener: WebhookListener

    async def start(self) -> None:
        """Listen. If port or certificate cannot be used, the webapp is unhealthy and `check` tries again."""
        self.server = BoundedServer(self.answer)
        tls = self.certificate.front if self.config.webhook_certificate else None
        self.listener = WebhookListener(self.server, tls, self.webapp.tasks)
        await self.check()

    def loops(self) -> list[Loop]:
        return [Loop("webhooks", self.check, CHECK_INTERVAL)]

    async def check(self) -> None:
        """Close overdue connections, serve a new certificate, and report refusals."""
        await self._listen()
        self.listener.close_overdue()
        if time.monotonic() - self.reported_at >= REPORT_INTERVAL:
            self.reported_at = time.monotonic()
            if refused := self.metrics.new_refusals():
                log.warning("refused webhooks: %s", ", ".join(f"{count} {name}" for name, count in refused.items()))

    async def stop(self) -> None:
        """Accept no new connection, and finish the requests in progress."""
        await self.listener.stop()
        until = time.monotonic() + STOP_TIMEOUT
        while self.processing and time.monotonic() < until:
            await asyncio.sleep(0.02)
        await self.server.shutdown(CLOSE_TIMEOUT)

    async def _listen(self) -> None:
        """Serve the certificate in its file, and listen as soon as there is a usable one."""
        if self.config.webhook_certificate:
            try:
                if self.certificate.refresh():
                    self.certificate_problem = ""
                    log.info("serving the webhook certificate %s", self.config.webhook_certificate)
            except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
                problem = f"the webhook certificate {self.config.webhook_certificate} cannot be used: {error}"
                if problem != self.certificate_problem:
                    log.warning("%s", problem)
                self.certificate_problem = problem
            if not self.certificate.usable:
                self.webapp.health.report("webhooks", self.certificate_problem)
                return
        if not self.listener.sockets:
            try:
                await self.listener.start(self.config.webhook_port)
            except OSError as error:
                problem = f"the webhook port {self.config.webhook_port} cannot be used: {error.strerror or error}"
                if self.webapp.health.report("webhooks", problem):
                    log.error("%s", problem)
                return
            scheme = "HTTPS" if self.config.webhook_certificate else "HTTP"
            log.info("accepting webhooks by %s on port %d", scheme, self.config.webhook_port)
        self.webapp.health.clear("webhooks")

    # -- requests ------------------------------------------------------------------------------------------------------

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request. Only the connection of an accepted webhook stays open."""
        self.server.wait(request.protocol, REQUEST_TIMEOUT)
        self.processing += 1
        try:
            result, response = results.ACCEPTED, await self._answer(request)
            if request.method != "POST":
                result = results.VERIFIED
                response.force_close()
        except Refused as refusal:
            result = refusal.result
            response = web.Response(status=refusal.status, text=f"{refusal}\n", headers=refusal.headers)
            response.force_close()
        except Exception:
            log.exception("a webhook could not be processed")
            result, response = results.FAILED, web.Response(status=500)
            response.force_close()
        finally:
            self.processing -= 1
        self.metrics.requests[result] += 1
        self.server.wait(request.protocol, IDLE_TIMEOUT if response.keep_alive is not False else REQUEST_TIMEOUT)
        return response

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if request.method in ("GET", "HEAD"):
            return self._answer_get(request)
        if request.method != "POST":
            raise Refused(results.NOT_SUPPORTED, 405, "this method is not supported", {"Allow": "GET, HEAD, POST"})
        await self._answer_post(request)
        return web.Response(text="ok\n")

    def _answer_get(self, request: web.BaseRequest) -> web.Response:
        """Answer the verification of the URL with its challenge, and the probe of a load balancer as the API answers it."""
        try:
            query = request.query
        except ValueError as error:
            raise Refused(results.NOT_SUPPORTED, 400, "the query is not valid") from error
        if "hub.mode" not in query:
            if self.webapp.draining:
                raise Refused(results.UNAVAILABLE, 503, "this webapp is being taken out of service")
            return web.Response(text="waba node\n")
        given = query.get("hub.verify_token", "").encode(errors="replace")
        challenge = query.get("hub.challenge", "")
        if not hmac.compare_digest(given, self.config.verify_token.encode()):
            log.warning("refused the verification of the webhook's URL: the verify token is not the configured one")
            raise Refused(results.WRONG_TOKEN, 403, "the verify token is wrong")
        if query["hub.mode"] != "subscribe" or not challenge.isascii() or len(challenge) > LONGEST_CHALLENGE:
            raise Refused(results.NOT_SUPPORTED, 400, "this is not a verification")
        log.info("the webhook's URL was verified")
        return web.Response(text=challenge, headers={"X-Content-Type-Options": "nosniff"})

    async def _answer_post(self, request: web.BaseRequest) -> None:
        """Store the updates of a signed body. Raises Refused."""
        claimed = claimed_digest(request.headers.get(HEADER, ""))
        if claimed is None:
            raise Refused(results.UNSIGNED, 403, f"the header {HEADER} is missing or malformed")
        if (request.content_length or 0) > LARGEST_BODY:
            raise self._too_large()
        signature = Signature(claimed, self.config.app_secrets)
        chunks: list[bytes] = []
        size = 0
        try:
            while chunk := await self._read(request):
                size += len(chunk)
                self.buffered += len(chunk)
                if size > LARGEST_BODY:
                    raise self._too_large()
                if self.buffered > MOST_BUFFERED:
                    raise Refused(results.BUSY, 503, "too many webhooks are being received")
                signature.update(chunk)
                chunks.append(chunk)
            self.server.complete(request.protocol)
            if not signature.matches():
                raise Refused(results.WRONG_SIGNATURE, 403, "the signature is not that of the app")
            await self._process(b"".join(chunks))
        finally:
            self.buffered -= size

    @staticmethod
    async def _read(request: web.BaseRequest) -> bytes:
        """Return the next bytes of a body, b"" at its end. Raises Refused."""
        try:
            return await request.content.readany()
        except (web.RequestPayloadError, ClientPayloadError, OSError) as error:
            raise Refused(results.INCOMPLETE, 400, "the body is incomplete or not encoded as announced") from error

    @staticmethod
    def _too_large() -> Refused:
        return Refused(results.TOO_LARGE, 413, f"the body is larger than {LARGEST_BODY} bytes")

    async def _process(self, body: bytes) -> None:
        """Store the updates of an authentic body. Raises Refused."""
        if not self.webapp.schema_ready:
            raise Refused(results.UNAVAILABLE, 503, "this webapp is not ready")
        try:
            found = await self._split(body)
        except NotJson as error:
            log.warning("refused a signed webhook of %d bytes: %s", len(body), error)
            raise Refused(results.NOT_JSON, 400, str(error)) from error
        for line in found.ignored[:MOST_LINES]:
            log.info("webhook: %s", line[:LONGEST_LINE])
        self.writer.patience = 0.0 if "database" in self.webapp.health.problems else FAILOVER_PATIENCE
        try:
            await self.writer.store(found.rows)
        except DATABASE_ERRORS as error:
            self.webapp.database_unavailable(error)
            log.warning("a webhook with %d updates was not stored: %s", len(found.rows), error_summary(error))
            raise Refused(results.UNAVAILABLE, 503, "the database does not answer") from error
        self.metrics.received(
            (row.update.kind for row in found.rows),
            (row.timestamp for row in found.rows if row.timestamp is not None),
        )

    async def _split(self, body: bytes) -> Split:
        """Return the updates of a body; of a large one without holding up the calls of the API."""
        if len(body) < LARGE:
            return split(body, self.config.phone_number_id)
        async with self.splitting:
            return await asyncio.to_thread(split, body, self.config.phone_number_id)


class ReloadedCertificate:
    """A certificate in a file, or in two with its key, that is loaded again when a file changes."""

    def __init__(self, chain: str, key: str) -> None:
        self.chain, self.key = Path(chain), Path(key or chain)
        self.loaded: list[tuple[int, int, int]] = []
        self.current: ssl.SSLContext | None = None
        self.front = front_context(lambda: self.current)

    @property
    def usable(self) -> bool:
        """Whether a certificate was loaded."""
        return self.current is not None

    def refresh(self) -> bool:
        """Load the certificate if a file has changed since the last attempt. Return whether there is a new one.

        Raises OSError (ssl.SSLError is one) or ValueError if it cannot be used; the former one stays in use.
        """
        found = [(status.st_mtime_ns, status.st_size, status.st_ino) for status in (self.chain.stat(), self.key.stat())]
        if found == self.loaded:
            return False
        self.loaded = found
        context = server_context()
        context.load_cert_chain(self.chain, self.key, _no_password)
        self.current = context
        return True


def _no_password() -> str:
    """Raise ValueError where OpenSSL would ask at the terminal for the password of a key."""
    raise ValueError("its key is encrypted: store it without a password")
