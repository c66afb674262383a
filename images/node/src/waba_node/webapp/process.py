"""A webapp: answers the /v1 API. It keeps nothing, so any webapp can answer any call."""

from __future__ import annotations

import logging
import ssl
import time
from functools import partial

from aiohttp import web

from ..address import PortName
from ..runtime.node import Node
from ..store import documents, ownership
from ..store.engine import DATABASE_ERRORS
from . import certificate
from .metrics import Metrics
from .routing import Router
from .server import ApiServer
from .sessions import Sessions

log = logging.getLogger(__name__)

CHECK = 2.0  # seconds between two looks at the database
LAST_CALLS = 10  # seconds for what is being answered when this node stops
QUIET = 2.0  # seconds without a call after which a drained webapp may go: load balancers ask every one or two


class Webapp(Node):
    """See the module."""

    def __init__(self, config) -> None:
        super().__init__(config)
        self.sessions = Sessions(self.database, config.jwt_key)
        self.metrics = Metrics()
        self.database.timed = partial(self.metrics.timed, "db_")
        self.router = Router(self.database, self.client, self.metrics)

    async def start(self) -> None:
        self.health.bad("schema", "the schema is not there yet")
        self.certificate = certificate.Served(self.config.certificates, self.config.hostname)
        self.server = self.rpc_server(ports=[PortName.CONTROL], host="127.0.0.1")  # for who is in the container
        await self.server.start()
        self.runner = web.AppRunner(
            ApiServer(self).application(), access_log=None, handle_signals=False, shutdown_timeout=LAST_CALLS
        )
        await self.runner.setup()
        await web.TCPSite(self.runner, port=self.config.https_port, ssl_context=self.certificate.front).start()
        self.every("check", self.check)

    async def stop(self) -> None:
        """Take no new call, and answer those that have come."""
        await self.runner.cleanup()
        await self.server.stop()

    async def waits_for(self) -> str:
        """A drained webapp still answers, but tells load balancers to go elsewhere (GET / and the health port); who calls it must have heard."""
        if self.metrics.processing:
            return f"{self.metrics.processing} calls to be answered"
        quiet = time.monotonic() - self.metrics.last_call
        return (
            "" if quiet > QUIET else f"clients and load balancers to go elsewhere: the last call came {quiet:.1f} s ago"
        )

    async def check(self) -> float:
        """See that the database and the map can be read: without them no call can be answered."""
        async with self.database.begin() as connection:
            await self.check_schema(connection)
            try:
                await ownership.count_shards(connection)
            except DATABASE_ERRORS:  # that the database answers other questions does not help
                self.health.bad("map", "the shard map cannot be read")
                raise
        self.health.good("map")
        await self.read_settings()
        await self.read_certificate()
        if not self.schema_ready:
            await self.sessions.prepare()
            self.schema_ready = True
            self.health.good("schema")
            log.info("serving on port %d", self.config.https_port)
        return CHECK

    async def read_certificate(self) -> None:
        """Serve the certificate that was uploaded, wherever that was."""
        async with self.database.begin() as connection:
            uploaded = await documents.read_document(connection, documents.WEB_CERTIFICATE)
        try:
            if self.certificate.serve(uploaded):
                log.info("serving %s", "the uploaded certificate" if uploaded else "the container's own certificate")
        except ssl.SSLError as error:
            log.warning("the uploaded certificate cannot be served: %s", error.reason)
