"""What the runtimes of all roles share: registration, reports, settings, status, start and stop."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import secrets
import signal
import uuid
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from ..address import NodeAddress, PortName
from ..clock import now
from ..config import NodeConfig
from ..rpc import ClusterTime, RpcClient, RpcError, RpcServer, Trust
from ..settings import ApplicationSettings
from ..store import documents, node_registry, schema
from ..store.documents import NODE_SECRET, PRIMARY_SECRET
from ..store.engine import DATABASE_ERRORS, NO_SUCH_TABLE, Database, error_summary
from ..store.media_folder import MediaFolder
from ..store.metadata import SINCE_1970
from .health import Health, serve
from .http_log import one_line
from .statistics import Statistics, gauge, process

log = logging.getLogger(__name__)

LOOK_AT_DATABASE = 1.0  # seconds between two looks whether the database answers, and for its answer
LAST_WORD = 2.0  # seconds that a node which stops gives the database: the engine kills it after ten
AGAIN = 1.0  # seconds after which a loop tries again what failed
LOOK_AT_SECRET = 5.0  # seconds between two looks whether this node has the secret that counts


class SchemaMisfit(Exception):
    """This version of the node cannot work with the schema as it is; the text says why."""


def database_refusal(error: Exception) -> RpcError | None:
    """Return what another node is told when the database failed a call."""
    return RpcError(1023, "Database error", error_summary(error)) if isinstance(error, DATABASE_ERRORS) else None


class Node:
    """A node of any role: its database, its calls, its health, its loops."""

    def __init__(self, config: NodeConfig) -> None:
        self.config = config
        self.incarnation = str(uuid.uuid4())
        self.address = NodeAddress(config.node_id, str(config.role), config.hostname, config.external_ports)
        self.database = Database(config.database)
        self.time = ClusterTime(now)
        self.trust = Trust(config.node_id, config.secret, self.time)
        self.client = RpcClient(self.trust)
        self.health = Health()
        self.settings = ApplicationSettings()
        self.statistics = Statistics()
        self.media = MediaFolder(config.media)
        self.schema_ready = False
        self.loops: list[asyncio.Task] = []
        self.stopping = False

    # -- what a role adds ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the role's servers and loops; a node without a role has none."""

    async def stop(self) -> None:
        """Hand over what the role holds, before the common stop."""

    async def why_not_drain(self) -> str:
        """Return why nobody could do this node's work without it, "" when somebody can."""
        return ""

    async def leave_service(self) -> None:
        """Hand over what the role holds, and take up nothing any more."""

    async def waits_for(self) -> str:
        """Return what is still to come until others do this node's work, "" when nothing is."""
        return ""

    async def return_to_service(self) -> None:
        """Take up work again."""

    # -- the life of a node ------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        log.info("starting %s %s, version %s", self.config.role, self.config.node_id, self.config.version)
        logging.getLogger("aiohttp.server").addFilter(one_line)
        line = await serve(self.health.line, self.config.listen_ports[PortName.HEALTH])
        self.health.bad("time", "the database's time is not known yet, so calls of other nodes are refused")
        if not self.config.secret:
            self.health.bad("secret", "the secret for calls between nodes is not known yet")
        self.every("database", self.look_at_database)
        self.every("secret", self.look_at_secret)
        await self.start()
        self.health.good("start")
        await stopping.wait()
        log.info("stopping: asked to by a signal")
        self.stopping = True
        for loop in self.loops:  # first, so that none takes up again what is handed over
            loop.cancel()
        await asyncio.gather(*self.loops, return_exceptions=True)
        await self.stop()
        with contextlib.suppress(*DATABASE_ERRORS):
            async with asyncio.timeout(LAST_WORD), self.database.begin() as connection:
                await node_registry.remove(connection, self.config.node_id, self.incarnation)
        line.close()
        await self.client.close()
        with contextlib.suppress(*DATABASE_ERRORS):
            async with asyncio.timeout(LAST_WORD):
                await self.database.close()
        log.info("stopped")

    def every(self, name: str, step: Callable[[], Awaitable[float]], woken: asyncio.Event | None = None) -> None:
        """Run `step` again and again; it returns the seconds until the next time, which comes at once when it is woken."""
        woken = woken or asyncio.Event()

        async def loop() -> None:
            while True:
                try:
                    pause = await step()
                except SchemaMisfit as error:
                    self.schema_does_not_fit(str(error))
                    pause = AGAIN
                except DATABASE_ERRORS as error:
                    self.database_is_away(error)
                    pause = AGAIN
                except Exception:
                    log.exception("%s failed; trying again", name)
                    pause = AGAIN
                self.health.beat(name, pause)
                if self.stopping:  # a library may have swallowed the cancellation, which comes once
                    return
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), pause)
                woken.clear()

        self.loops.append(asyncio.create_task(loop(), name=name))

    async def look_at_database(self) -> float:
        """See whether the database answers. Only this finds that it does again: other loops may well go round without asking it."""
        async with asyncio.timeout(LOOK_AT_DATABASE):
            await self.hear_the_time()
        self.health.good("time")
        if "database" in self.health.reasons:
            log.info("the database answers again")
            self.health.good("database")
        return LOOK_AT_DATABASE

    async def hear_the_time(self) -> None:
        """Ask the database what time it is."""
        async with self.database.begin() as connection:
            sent_at = now()
            microseconds = (await connection.execute(SINCE_1970)).scalar_one()
            self.time.heard(sent_at, now(), microseconds / 1e6)

    def database_is_away(self, error: Exception) -> None:
        if getattr(getattr(error, "orig", None), "args", ())[:1] == (NO_SUCH_TABLE,):
            self.schema_does_not_fit("the schema is not there yet")
            return
        if "database" not in self.health.reasons:
            log.warning("the database is away: %s", error_summary(error))
        self.health.bad("database", "the database does not answer")

    async def look_at_secret(self) -> float:
        """Agree on a secret where none was given, and see that it is the primary master's, whose calls would be refused else."""
        async with self.database.begin() as connection:
            if not self.config.secret:
                # Written on every look of a new cluster alone; later it is there.
                stored = await documents.read_document(connection, NODE_SECRET)
                self.trust.secret = stored.get("secret") or await documents.agreed_secret(
                    connection, NODE_SECRET, secrets.token_urlsafe(48)
                )
            shown = await documents.read_document(connection, PRIMARY_SECRET)
        await self.compare_secret(shown)
        return LOOK_AT_SECRET

    async def compare_secret(self, shown: dict) -> None:
        """Say so in the health line when the primary master has shown (the fingerprint of) another secret than this node's."""
        master = shown.get("master", "")
        if not shown or hmac.compare_digest(self.trust.fingerprint(master), shown["fingerprint"]):
            self.health.good("secret")
            return
        source = "WA_SECRET" if self.config.secret else "the secret agreed in the database (WA_SECRET is not set here)"
        if self.health.bad(
            "secret", f"{source} is not the secret of the primary master {master}: they refuse each other"
        ):
            log.error("%s", self.health.reasons["secret"])

    # -- the schema ----------------------------------------------------------------------------------------------------

    async def check_schema(self, connection: AsyncConnection) -> None:
        """Raise SchemaMisfit when this version cannot work with the schema as it is now."""
        if (reason := await schema.misfit(connection)) is not None:
            raise SchemaMisfit(reason)

    def schema_does_not_fit(self, reason: str) -> None:
        if self.schema_ready:
            log.error("no longer able to work: %s", reason)
        self.schema_ready = False
        self.health.bad("schema", reason)

    # -- settings, report, status -------------------------------------------------------------------------------------

    async def read_settings(self) -> None:
        """Read the settings that may have changed."""
        async with self.database.begin() as connection:
            self.settings = await documents.read_settings(connection)
        level = "debug" if self.settings.verbose_logging else self.settings.log_level
        logging.getLogger("waba_node").setLevel(level.upper())

    async def settings_changed(self, _payload: dict) -> dict:
        """Answer the primary master's broadcast."""
        await self.read_settings()
        return {}

    async def register_or_report(self) -> None:
        """Say in the database that this node is alive."""
        async with self.database.begin() as connection:
            await self.check_schema(connection)
            if not await node_registry.report(connection, self.config.node_id, self.incarnation):
                await node_registry.register(connection, self.address, self.incarnation, self.config.version)
                log.info("registered")
        if not self.schema_ready:
            self.schema_ready = True
            self.health.good("schema")

    def gateway_status(self) -> str:
        """Return the vendor's word for how this node stands to the upstream."""
        return "disconnected" if self.schema_ready else "uninitialized"

    def role_name(self) -> str:
        """Return the vendor's word for this node's role."""
        return str(self.config.role)

    async def status(self, _payload: dict) -> dict:
        """Answer what /v1/health shows of this node."""
        return {"role": self.role_name(), "gateway_status": self.gateway_status(), "version": self.config.version}

    async def app_statistics(self, _payload: dict) -> dict:
        """Answer what /v1/stats/app shows of this node."""
        return self.statistics.shown()

    async def process_statistics(self, _payload: dict) -> dict:
        """Answer what /v1/stats/app/internal shows of this node."""
        pool = self.database.engine.pool
        used = {"in_use": pool.checkedout(), "idle": pool.checkedin()}
        return {**process(), "db_connections": gauge("Connections to the database", {"state": used})}

    async def support(self, _payload: dict) -> dict:
        """Answer what /v1/support shows of this node."""
        from .support import support_info

        return await support_info(self)

    # -- out of service, and back --------------------------------------------------------------------------------------

    async def drain(self, payload: dict) -> dict:
        """Go out of service until told to resume, or restarted. Raises RpcError 1011 when nobody could take over, unless forced."""
        if not payload["force"] and (problem := await self.why_not_drain()):
            raise RpcError(1011, "Service not ready", f"{problem}; --force takes it out of service all the same")
        if self.health.bad("draining", "draining: out of service until it is told to resume or is restarted"):
            log.warning("out of service: asked to drain")
        await self.leave_service()
        return {}

    async def drain_status(self, _payload: dict) -> dict:
        """Answer what a drain still waits for."""
        return {"waits_for": await self.waits_for()}

    async def resume(self, _payload: dict) -> dict:
        """Go back into service."""
        if self.draining:
            log.info("back in service")
        self.health.good("draining")
        await self.return_to_service()
        return {}

    @property
    def draining(self) -> bool:
        """Whether this node was told to do no work."""
        return "draining" in self.health.reasons

    def rpc_server(self, **options) -> RpcServer:
        """Return a server with the methods that every node answers. options: see RpcServer."""
        server = RpcServer(self.config.listen_ports, self.trust, database_refusal, **options)
        server.answered = self.statistics.endpoint_answered
        server.add(PortName.CONTROL, "status", self.status)
        server.add(PortName.CONTROL, "settings.changed", self.settings_changed)
        server.add(PortName.CONTROL, "drain", self.drain)
        server.add(PortName.CONTROL, "drain.status", self.drain_status)
        server.add(PortName.CONTROL, "resume", self.resume)
        server.add(PortName.CONTROL, "statistics.app", self.app_statistics)
        server.add(PortName.CONTROL, "statistics.process", self.process_statistics)
        server.add(PortName.CONTROL, "support", self.support)
        return server
