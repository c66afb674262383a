"""The webapp: answers the /v1 API. It stores nothing itself, so any webapp can answer any call."""

from __future__ import annotations

import logging
import ssl
import time
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from ..address import PortName
from ..config import NodeConfig
from ..runtime.node import Node
from ..runtime.supervisor import Loop
from ..store import documents, ownership
from ..store.engine import DATABASE_ERRORS
from .certificate import ServedCertificate
from .console.reader import ConsoleReader
from .https_listener import HttpsListener
from .metrics import Metrics
from .routing import Router
from .server import ApiServer
from .sessions import Sessions
from .tls import hide_versions

if TYPE_CHECKING:
    from .cloud_webhooks import CloudWebhooks

log = logging.getLogger(__name__)

CHECK_INTERVAL = 2.0  # seconds
STOP_TIMEOUT = 10  # seconds for the calls in progress when the node stops
QUIET = 2.0  # seconds without a call after which a draining webapp may stop: load balancers probe every one or two


class Webapp(Node):
    """A node that serves the API."""

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self.sessions = Sessions(self.database, config.jwt_key, config.second_jwt_key)
        self.metrics = Metrics()
        self.database.timed = partial(self.metrics.timed, "db_")
        self.router = Router(self.database, self.client, self.metrics)
        self.console = ConsoleReader(self)
        self.webhooks: CloudWebhooks | None = None

    async def start(self) -> None:
        hide_versions()
        self.health.report("schema", "the schema does not exist yet")
        self.certificate = ServedCertificate(self.config.certificates, self.config.hostname)
        self.server = self.rpc_server((PortName.CONTROL,), "127.0.0.1")  # for commands in the container
        await self.server.start()
        api = ApiServer(self)
        self.runner = web.AppRunner(
            api.application(), access_log=None, handle_signals=False, shutdown_timeout=STOP_TIMEOUT
        )
        await self.runner.setup()
        if self.runner.server is None:
            raise RuntimeError("setup created no server")
        self.listener = HttpsListener(self.runner.server, self.certificate.front, api.plain_http_refusal, self.tasks)
        await self.listener.start(self.config.https_port)
        if self.config.cloud is not None:
            from .cloud_webhooks import CloudWebhooks  # no webapp of another upstream pays memory for it

            self.webhooks = CloudWebhooks(self, self.config.cloud)
            await self.webhooks.start()

    def loops(self) -> list[Loop]:
        return [
            Loop("check", self.check, CHECK_INTERVAL),
            *(self.webhooks.loops() if self.webhooks is not None else []),
        ]

    async def stop(self) -> None:
        """Accept no new call, and finish the calls in progress; the upstream's webhooks are the last to be refused."""
        await self.listener.stop()
        await self.runner.cleanup()
        if self.webhooks is not None:
            await self.webhooks.stop()
        await self.server.stop()

    async def drain_pending(self) -> str:
        """Return the reason to keep running. A draining webapp answers calls until clients and load balancers use another one."""
        if self.metrics.processing:
            return f"{self.metrics.processing} calls in progress"
        quiet = time.monotonic() - self.metrics.last_call
        return "" if quiet > QUIET else f"clients still call this webapp: the last call was {quiet:.1f} s ago"

    async def check(self) -> None:
        """Check that the database and the shard map can be read. Without them no call can be answered."""
        async with self.database.begin() as connection:
            await self.check_schema(connection)
            try:
                await ownership.count_shards(connection)
            except DATABASE_ERRORS:  # the database may still answer other queries
                self.health.report("map", "the shard map cannot be read")
                raise
        self.health.clear("map")
        await self.read_settings()
        await self._refresh_certificate()
        if not self.schema_ready:
            await self.sessions.prepare()
            self.schema_ready = True
            self.health.clear("schema")
            log.info("serving on port %d", self.config.https_port)

    async def _refresh_certificate(self) -> None:
        """Serve the certificate that was uploaded to any webapp."""
        async with self.database.begin() as connection:
            uploaded = await documents.read_document(connection, documents.WEB_CERTIFICATE)
        try:
            if self.certificate.serve(uploaded):
                log.info("serving %s", "the uploaded certificate" if uploaded else "the container's own certificate")
        except ssl.SSLError as error:
            log.warning("the uploaded certificate cannot be served: %s", error.reason)
