"""The process of a node, as far as it is the same for all roles: registration, settings, status, start, drain and stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
import time
import uuid
from typing import Any

from sqlalchemy import AsyncAdaptedQueuePool
from sqlalchemy.ext.asyncio import AsyncConnection

from ..address import NodeAddress, PortName
from ..clock import now
from ..config import NodeConfig
from ..rpc import ClusterTime, Payload, RpcClient, RpcError, RpcServer, Trust
from ..settings import ApplicationSettings
from ..store import documents, node_registry, schema
from ..store.documents import NODE_SECRET, PRIMARY_SECRET
from ..store.engine import DATABASE_ERRORS, NO_SUCH_TABLE, Database, error_summary
from ..store.media_folder import MediaFolder
from ..store.metadata import read_time
from .health import Health, serve
from .http_log import one_line
from .statistics import STARTED, Statistics, gauge, process_metrics
from .supervisor import Loop, Supervisor

log = logging.getLogger(__name__)

PROBE_INTERVAL = 1.0  # seconds between two probes of the database, and for the answer
SECRET_INTERVAL = 5.0  # seconds between two comparisons of the secret
SHUTDOWN_TIMEOUT = 2.0  # seconds that a node which stops gives the database: the engine kills the container after ten


class IncompatibleSchema(Exception):
    """This version of the node cannot work with the schema as it is; the text says why."""


def database_refusal(error: Exception) -> RpcError | None:
    """Return the refusal of a call that failed on the database; None for another failure."""
    return RpcError(1023, "Database error", error_summary(error)) if isinstance(error, DATABASE_ERRORS) else None


class Node:
    """A node of any role: its database, its RPC methods, its health, its loops."""

    def __init__(self, config: NodeConfig) -> None:
        self.config = config
        self.incarnation = str(uuid.uuid4())
        self.address = NodeAddress(config.node_id, str(config.role), config.hostname, config.external_ports)
        self.database = Database(config.database)
        self.time = ClusterTime(now)
        self.trust = Trust(config.node_id, config.secret, self.time, config.second_secret)
        self.client = RpcClient(self.trust)
        self.health = Health()
        self.settings = ApplicationSettings()
        self.statistics = Statistics()
        self.database.timed = self.statistics.timed_transaction
        self.media = MediaFolder(config.media)
        self.schema_ready = False
        self.stopping = False
        self.tasks: asyncio.TaskGroup  # while the node runs
        self.supervisor: Supervisor

    # -- what a role adds ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the servers of the role."""

    def loops(self) -> list[Loop]:
        """Return the loops of the role."""
        return []

    async def stop(self) -> None:
        """Hand over what the role holds, and stop its servers."""

    async def drain_blocker(self) -> str:
        """Return why no other node could do this node's work, "" when one could."""
        return ""

    async def leave_service(self) -> None:
        """Hand over what the role holds, and take up no new work."""

    async def drain_pending(self) -> str:
        """Return what must still happen until other nodes do this node's work, "" when nothing must."""
        return ""

    async def return_to_service(self) -> None:
        """Take up work again."""

    # -- start and stop ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        signalled = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, signalled.set)
        log.info("starting %s %s, version %s", self.config.role, self.config.node_id, self.config.version)
        logging.getLogger("aiohttp.server").addFilter(one_line)
        line = await serve(self.health.line, self.config.listen_ports[PortName.HEALTH])
        self.health.report("time", "the database's time is not known yet, so calls of other nodes are refused")
        if not self.config.secret:
            self.health.report("secret", "the secret for calls between nodes is not known yet")
        async with asyncio.TaskGroup() as self.tasks:
            self.supervisor = Supervisor(
                self.tasks, (*DATABASE_ERRORS, IncompatibleSchema), self.loop_failed, self.health.expect
            )
            self.supervisor.start(
                Loop("database", self.probe_database, PROBE_INTERVAL),
                Loop("secret", self.check_secret, SECRET_INTERVAL),
            )
            await self.start()
            self.supervisor.start(*self.loops())
            self.health.clear("start")
            await signalled.wait()
            log.info("stopping after a signal")
            self.stopping = True
            await self.supervisor.stop()  # before the handover, so that no loop takes up again what is handed over
            await self.stop()
        with contextlib.suppress(*DATABASE_ERRORS):
            async with asyncio.timeout(SHUTDOWN_TIMEOUT), self.database.begin() as connection:
                await node_registry.remove(connection, self.config.node_id, self.incarnation)
        line.close()
        await self.client.close()
        with contextlib.suppress(*DATABASE_ERRORS):
            async with asyncio.timeout(SHUTDOWN_TIMEOUT):
                await self.database.close()
        log.info("stopped")

    def loop_failed(self, _name: str, error: Exception) -> None:
        """Record the failure of a loop in the health line, where the database or the schema is the cause."""
        if isinstance(error, IncompatibleSchema):
            self.schema_unusable(str(error))
        elif isinstance(error, DATABASE_ERRORS):
            self.database_unavailable(error)

    # -- the database --------------------------------------------------------------------------------------------------

    async def probe_database(self) -> None:
        """Check that the database answers. No other loop notices its return: each may run without a query."""
        async with asyncio.timeout(PROBE_INTERVAL):
            await self.read_database_time()
        self.health.clear("time")
        if "database" in self.health.problems:
            log.info("the database answers again")
            self.health.clear("database")

    async def read_database_time(self) -> None:
        """Synchronize the cluster's time with the database's clock."""
        async with self.database.begin() as connection:
            sent_at = now()
            seconds = await read_time(connection)
            self.time.synchronize(sent_at, now(), seconds)

    def database_unavailable(self, error: Exception) -> None:
        """Report a failure of the database in the health line."""
        if getattr(getattr(error, "orig", None), "args", ())[:1] == (NO_SUCH_TABLE,):
            self.schema_unusable("the schema does not exist yet")
            return
        if "database" not in self.health.problems:
            log.warning("the database does not answer: %s", error_summary(error))
        self.health.report("database", "the database does not answer")

    # -- the secret ----------------------------------------------------------------------------------------------------

    async def check_secret(self) -> None:
        """Agree on a secret where none was configured, and compare it with the secret of the primary master."""
        agreed = self.config.secret
        async with self.database.begin() as connection:
            if not agreed:
                # Only the first nodes of a new cluster write it; later it is stored.
                stored = await documents.read_document(connection, NODE_SECRET)
                proposal = secrets.token_urlsafe(48)
                agreed = stored.get("secret") or await documents.agree_on_secret(connection, NODE_SECRET, proposal)
            published = await documents.read_document(connection, PRIMARY_SECRET)
        self.trust.secret = agreed  # after the commit, which fails when another node's proposal was stored first
        await self.compare_secret(published)

    async def compare_secret(self, published: dict[str, Any]) -> None:
        """Report in the health line when the primary master published the fingerprint of another secret than this node's."""
        master = published.get("master", "")
        if not published or self.trust.recognizes(master, published["fingerprint"]):
            self.health.clear("secret")
            return
        source = "WA_SECRET" if self.config.secret else "the secret agreed in the database (WA_SECRET is not set here)"
        problem = f"{source} is not the secret of the primary master {master}: they refuse each other"
        if self.health.report("secret", problem):
            log.error("%s", problem)

    # -- the schema ----------------------------------------------------------------------------------------------------

    async def check_schema(self, connection: AsyncConnection) -> None:
        """Raise IncompatibleSchema when this version cannot work with the schema as it is now."""
        if (reason := await schema.find_mismatch(connection)) is not None:
            raise IncompatibleSchema(reason)

    def schema_unusable(self, reason: str) -> None:
        """Report in the health line why this node cannot work with the schema."""
        if self.schema_ready:
            log.error("this node cannot work any more: %s", reason)
        self.schema_ready = False
        self.health.report("schema", reason)

    # -- settings, registration, status --------------------------------------------------------------------------------

    async def read_settings(self) -> None:
        """Read the application settings, and what a role reads with them."""
        async with self.database.begin() as connection:
            self.settings = await documents.read_settings(connection)
        level = "debug" if self.settings.verbose_logging else self.settings.log_level
        logging.getLogger("waba_node").setLevel(level.upper())

    async def settings_changed(self, _payload: Payload) -> Payload:
        """Answer the primary master's broadcast."""
        await self.read_settings()
        return {}

    async def register_or_report(self) -> None:
        """Report to the database that this node is alive; register it first where it is not registered."""
        async with self.database.begin() as connection:
            await self.check_schema(connection)
            if not await node_registry.report(connection, self.config.node_id, self.incarnation):
                await node_registry.register(connection, self.address, self.incarnation, self.config.version)
                log.info("registered")
        if not self.schema_ready:
            self.schema_ready = True
            self.health.clear("schema")

    def gateway_status(self) -> str:
        """Return the `gateway_status` of this node (docs/reference/vendor-contract.md#health)."""
        return "disconnected" if self.schema_ready else "uninitialized"

    def owned_shard(self) -> int | None:
        """Return the shard that this node is connected for; None for a node without one."""
        return None

    def role_name(self) -> str:
        """Return the `role` of this node (docs/reference/vendor-contract.md#health)."""
        return str(self.config.role)

    async def status(self, _payload: Payload) -> Payload:
        """Answer with this node's part of /v1/health."""
        return {
            "role": self.role_name(),
            "gateway_status": self.gateway_status(),
            "version": self.config.version,
            "health": self.health.line(),
            "uptime": round(time.monotonic() - STARTED, 3),
        }

    async def app_statistics(self, _payload: Payload) -> Payload:
        """Answer with this node's part of /v1/stats/app."""
        return self.statistics.snapshot()

    async def process_statistics(self, _payload: Payload) -> Payload:
        """Answer with this node's part of /v1/stats/app/internal."""
        pool = self.database.engine.pool
        assert isinstance(pool, AsyncAdaptedQueuePool)
        used = {"in_use": pool.checkedout(), "idle": pool.checkedin()}
        return {
            **process_metrics(self.health.subjects()),
            "db_connections": gauge("Connections to the database", {"state": used}),
        }

    async def support(self, _payload: Payload) -> Payload:
        """Answer with this node's part of /v1/support."""
        from .support import support_info

        return await support_info(self)

    # -- drain and resume ----------------------------------------------------------------------------------------------

    async def drain(self, payload: Payload) -> Payload:
        """Go out of service until resumed or restarted. Raises RpcError 1011 when no other node can take over, unless forced."""
        if not payload["force"] and (problem := await self.drain_blocker()):
            raise RpcError(1011, "Service not ready", f"{problem}; --force takes it out of service all the same")
        if self.health.report("draining", "draining: out of service until it is resumed or restarted"):
            log.warning("out of service: a drain was requested")
        await self.leave_service()
        return {}

    async def drain_status(self, _payload: Payload) -> Payload:
        """Answer with what a drain still waits for."""
        return {"pending": await self.drain_pending()}

    async def resume(self, _payload: Payload) -> Payload:
        """Go back into service."""
        if self.draining:
            log.info("back in service")
        self.health.clear("draining")
        await self.return_to_service()
        return {}

    @property
    def draining(self) -> bool:
        """Whether this node was drained and not resumed."""
        return "draining" in self.health.problems

    def rpc_server(self, ports: tuple[PortName, ...] = RpcServer.PORTS, host: str | None = None) -> RpcServer:
        """Return a server with the methods that every node answers. ports, host: see RpcServer."""
        server = RpcServer(self.config.listen_ports, self.trust, database_refusal, ports, host)
        server.on_answer = self.statistics.endpoint_answered
        server.add(PortName.CONTROL, "status", self.status)
        server.add(PortName.CONTROL, "settings.changed", self.settings_changed)
        server.add(PortName.CONTROL, "drain", self.drain)
        server.add(PortName.CONTROL, "drain.status", self.drain_status)
        server.add(PortName.CONTROL, "resume", self.resume)
        server.add(PortName.CONTROL, "statistics.app", self.app_statistics)
        server.add(PortName.CONTROL, "statistics.process", self.process_statistics)
        server.add(PortName.CONTROL, "support", self.support)
        return server
