"""The guard of a database member: `python3 -m waba_node database-guard`, beside the member and with access to its socket.

It keeps its server writable or read-only by the rules of control.database_writer, and answers the proxies over HTTP: `/writer` and `/reader`
with 200 or 503, `/status` with JSON. It logs in as root through the socket, without a password, so that it needs no configuration. It avoids
the libraries of the nodes, since each member's host spends the memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass
from typing import Any

from asyncmy.connection import Connection  # type: ignore[import-untyped]
from asyncmy.errors import MySQLError  # type: ignore[import-untyped]

from ..control.database_writer import SYNCED, Incarnation, Observation, WriterRules

log = logging.getLogger(__name__)

PORT = 3309
SOCKET = "/run/mysqld/mysqld.sock"
CONTROL = "/tmp/waba-database-guard.sock"  # noqa: S108 - in the guard's own container; for `move` and `leave`
POLL = 0.2  # seconds between two observations
ANSWER = 0.8  # seconds for the answer of a server or of another guard; an observation is not used for longer
STATEMENT = 2.0  # seconds for a change
HANDOVER = 10.0  # seconds for the next writer to serve
LEAVING = 30.0  # seconds for which a member that leaves is no reader, unless it restarts before
NOTICED = 1.0  # seconds after which the proxies have noticed that a member is no reader: two of their checks fail
POSITION_FILE = "/run/mysqld/waba-position"  # on the volume that the guard shares with its member, apart from the data
REMEMBER = 5.0  # seconds between two positions
UNKNOWN = (1049, 1146)  # no such database, no such table
Position = tuple[str, int]  # uuid of the cluster's history, seqno
ERRORS = (MySQLError, OSError, TimeoutError, EOFError)
STATUS = (
    *("wsrep_cluster_status", "wsrep_cluster_size", "wsrep_cluster_state_uuid", "wsrep_local_state_comment"),
    *(
        "wsrep_gcomm_uuid",
        "wsrep_last_committed",
        "wsrep_local_recv_queue",
        "wsrep_flow_control_paused",
        "wsrep_cluster_conf_id",
    ),
)
READ_STATUS = f"""SELECT LOWER(variable_name), variable_value FROM information_schema.global_status WHERE variable_name IN {STATUS}
    UNION ALL SELECT 'name', @@wsrep_node_name UNION ALL SELECT 'read_only', @@read_only UNION ALL SELECT 'version', @@version"""  # noqa: S608 - names of this module
READ_MEMBERS = "SELECT node_name, node_uuid, node_incoming_address FROM mysql.wsrep_cluster_members"
READ_WRITER = "SELECT member, incarnation, epoch FROM waba_guard.writer"
CREATE = (
    "CREATE DATABASE IF NOT EXISTS waba_guard CHARACTER SET utf8mb4",
    """CREATE TABLE IF NOT EXISTS waba_guard.writer (id INT PRIMARY KEY, member VARCHAR(255) NOT NULL, incarnation VARCHAR(64) NOT NULL,
    epoch BIGINT NOT NULL) ENGINE=InnoDB""",
    "INSERT IGNORE INTO waba_guard.writer VALUES (1, '', '', 0)",
)
NAME_WRITER = (
    "UPDATE waba_guard.writer SET member = %s, incarnation = %s, epoch = epoch + 1 WHERE id = 1 AND epoch = %s"
)


class Server:
    """The connection to the member's server; it is made again after a failure."""

    def __init__(self) -> None:
        self.connection: Any = None

    async def execute(
        self, *statements: str, arguments: tuple[object, ...] = (), timeout: float = ANSWER
    ) -> tuple[Any, ...]:
        """Execute statements, each in a transaction of its own; return the rows of the last, or (the number of changed rows,). Raises ERRORS."""
        try:
            async with asyncio.timeout(timeout):
                if self.connection is None:
                    # Reads are answered also without a majority.
                    options = {
                        "autocommit": True,
                        "init_command": "SET SESSION wsrep_dirty_reads = ON, lock_wait_timeout = 2",
                    }
                    self.connection = Connection(unix_socket=SOCKET, user="root", **options)
                    await self.connection.connect()
                async with self.connection.cursor() as cursor:
                    for statement in statements:
                        await cursor.execute(statement, arguments or None)
                    return tuple(await cursor.fetchall()) if cursor.description else (cursor.rowcount,)
        except BaseException as error:
            if not isinstance(error, MySQLError) or error.args[0] not in UNKNOWN:
                self.close()
            raise

    def close(self) -> None:
        if self.connection is not None:
            with contextlib.suppress(Exception):
                self.connection.close()
        self.connection = None


@dataclass
class PositionMemory:
    """The positions to store, each one turn late: by then the commit is on the member's disk, since a stored position must never be too high.

    A start of the database from older data is refused: docs/adr/0027-three-database-members.md.
    """

    reached: Position | None = None
    stored: Position | None = None

    def next(self, reached: Position | None) -> Position | None:
        """Return the position to store now, None for none. reached: the present position of the member."""
        late, self.reached = self.reached, reached
        if late is None or late == self.stored:
            return None
        self.stored = late
        return late


def store_position(path: str, uuid: str, seqno: int) -> None:
    """Write a position so that a loss of power leaves this one or the former. Raises OSError."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump({"uuid": uuid, "seqno": seqno}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.new", path)


def host_of(address: str) -> str:
    """Return the host of `host:port`, as Galera reports the address of a member: an IPv6 address in brackets."""
    return address.rpartition(":")[0].strip("[]")


async def ask(address: str, path: str, port: int) -> tuple[int, bytes]:
    """Return the HTTP status and the content of a guard's answer, (0, b"") without an answer."""
    writer = None
    try:
        async with asyncio.timeout(ANSWER):
            reader, writer = await asyncio.open_connection(address, port)
            writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            head, _blank, content = (await reader.read()).partition(b"\r\n\r\n")
            return int(head.split()[1]), content
    except (OSError, TimeoutError, ValueError, IndexError):
        return 0, b""
    finally:
        if writer is not None:
            writer.close()


async def ask_guard(address: str, path: str, port: int) -> int:
    """Return the HTTP status of a guard's answer, 0 without an answer."""
    status, _content = await ask(address, path, port)
    return status


async def ask_status(address: str, port: int) -> dict[str, Any]:
    """Return the content of a guard's `/status`, {} without an answer."""
    _status, content = await ask(address, "/status", port)
    try:
        return dict(json.loads(content))
    except ValueError:  # no answer, or a part of one
        return {}


def is_later(status: dict[str, Any], uuid: str, epoch: int, view: int) -> bool:
    """Return whether a member has a later view than another one of the same cluster.

    status: of the guard of the first one. uuid, epoch, view: of the other one. The writer's epoch decides first: the numbers of views begin again
    when all members have failed.
    """
    later = (status.get("epoch", -1), status.get("view", -1)) > (epoch, view)
    return bool(status.get("primary") and status["uuid"] == uuid and later)


class DatabaseGuard:
    """The guard of one member. observation: the last one, with the addresses of the members and the values of `/status`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.server, self.changes = Server(), Server()
        self.rules = WriterRules()
        self.observation: Observation | None = None
        self.observed_at = 0.0  # of time.monotonic()
        self.addresses: dict[Incarnation, str] = {}
        self.arbitrator = False  # whether one votes
        self.values: dict[str, str] = {}
        self.lock = asyncio.Lock()  # held for a step, and for a move
        self.answers: dict[
            str, dict[str, Any]
        ] = {}  # name of another member -> `/status` of its guard, {} without an answer
        self.left: Incarnation | None = None  # this member, after `leave`
        self.left_until = 0.0  # of time.monotonic()
        self.logged = ""

    # -- observing -----------------------------------------------------------------------------------------------------

    async def observe(self) -> Observation:
        """Read the state of the server. Raises ERRORS."""
        # From before: a view that this server learns of later than the others does not make it outdated.
        answers = self.answers
        values = dict(await self.server.execute(READ_STATUS))
        if set(STATUS) - values.keys():
            raise EOFError("it reports no state of a member while it starts or stops")
        members = await self.server.execute(READ_MEMBERS)
        try:
            rows = await self.server.execute(READ_WRITER)
        except MySQLError as error:
            if error.args[0] not in UNKNOWN:
                raise
            rows = ()
        member, incarnation, epoch = rows[0] if rows else ("", "", -1)
        self.values = values
        # An arbitrator has no address for clients, and no guard.
        self.addresses = {
            Incarnation(name, id_): host for name, id_, address in members if (host := host_of(address or ""))
        }
        self.arbitrator = int(values["wsrep_cluster_size"]) > len(self.addresses)
        writer = Incarnation(member, incarnation)
        own_view = values["wsrep_cluster_state_uuid"], epoch, int(values["wsrep_cluster_conf_id"])
        return Observation(
            own=Incarnation(values["name"], values["wsrep_gcomm_uuid"]),
            primary=values["wsrep_cluster_status"] == "Primary",
            state=values["wsrep_local_state_comment"],
            members=frozenset(self.addresses),
            writer=writer,
            epoch=epoch,
            read_only=values["read_only"] == "1",
            writer_serves=bool(answers.get(member, {}).get("is_writer")),
            # The vote of an arbitrator proves as well that this host is not cut off: two members have no third guard.
            others_answer=self.arbitrator or any(status for name, status in answers.items() if name != member),
            outdated=any(is_later(status, *own_view) for status in answers.values()),
        )

    async def ask_others(self) -> None:
        """Ask the other guards for their status."""
        own = self.values.get("name")
        others = {one.name: address for one, address in self.addresses.items() if one.name != own}
        statuses = await asyncio.gather(*(ask_status(address, self.port) for address in others.values()))
        self.answers = dict(zip(others, statuses, strict=True))

    async def watch_others(self) -> None:
        """Ask the other guards until cancelled."""
        while True:
            await self.ask_others()
            await asyncio.sleep(POLL * 2)

    def position(self) -> Position | None:
        """Return the position that the member has reached, None where it is not in step."""
        seen = self.observation
        if seen is None or not seen.belongs or seen.state != SYNCED:
            return None
        return self.values["wsrep_cluster_state_uuid"], int(self.values["wsrep_last_committed"])

    async def remember_positions(self, path: str) -> None:
        """Store the positions of the member until cancelled."""
        memory = PositionMemory()
        while True:
            if (position := memory.next(self.position())) is not None:
                try:
                    await asyncio.to_thread(store_position, path, *position)
                except OSError as error:
                    self.log_once(f"the position of the member cannot be stored: {error}")
            await asyncio.sleep(REMEMBER)

    # -- acting --------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Observe and act until cancelled."""
        while True:
            changed = False
            try:
                async with self.lock:
                    changed = await self.step()
            except ERRORS as error:
                self.log_once(f"the server does not answer: {type(error).__name__}: {error or 'no answer in time'}")
            if not changed:
                await asyncio.sleep(POLL)

    async def step(self) -> bool:
        """Observe the server once, and change it where the rules say so. Return whether anything was changed. Raises ERRORS."""
        self.forget_old_observation()
        try:
            if self.observation is None:  # the others may have excluded a server that has not answered
                await self.observe()
                await self.ask_others()
            seen = await self.observe()
        except ERRORS:
            self.observation = None
            raise
        self.observation, self.observed_at = seen, time.monotonic()
        group = "without a majority" if not seen.primary else "excluded by the others" if seen.outdated else "Primary"
        self.log_once(f"{seen.state}, {group}; the writer is {seen.writer.name or 'not named'}")
        if seen.primary and seen.epoch < 0:
            if seen.state == SYNCED:
                await self.changes.execute(*CREATE, timeout=STATEMENT)
            return False
        decision = self.rules.decide(seen, self.observed_at)
        if decision.read_only != seen.read_only:
            await self.set_read_only(decision.read_only)
            return True
        if decision.claim:
            if seen.writer.name:
                log.info("the writer %s is %s", seen.writer.name, "silent" if seen.writer in seen.members else "absent")
            return await self.name_writer(seen.own, seen.epoch)
        return False

    def forget_old_observation(self) -> None:
        """Use no observation for longer than a server may take to answer."""
        if time.monotonic() - self.observed_at > ANSWER + POLL:
            self.observation = None

    async def set_read_only(self, read_only: bool) -> None:
        """Let the server refuse or accept writes. Raises ERRORS."""
        await self.changes.execute(f"SET GLOBAL read_only = {'ON' if read_only else 'OFF'}", timeout=STATEMENT)
        log.info("the server %s writes", "refuses" if read_only else "accepts")

    async def name_writer(self, writer: Incarnation, epoch: int) -> bool:
        """Name a member as the writer, unless the row has changed since it was read. Return whether it was named. Raises ERRORS."""
        (changed,) = await self.changes.execute(NAME_WRITER, arguments=(*writer, epoch), timeout=STATEMENT)
        if changed:
            log.info("%s is named as the writer, epoch %d", writer.name, epoch + 1)
        return bool(changed)

    async def move(self, target: str) -> str:
        """Hand over to another member, which is in step with this one. Return the reason of a refusal, or ""."""
        async with self.lock:
            seen = await self.observe()
            if seen.writer.name == target and seen.writer in seen.members:
                return ""
            if not seen.can_write or seen.writer != seen.own:
                return f"the writer is {seen.writer.name or 'not named'}: run this command in its guard"
            found = [one for one in seen.members if one.name == target]
            if not found:
                return f"{target} is not a member; members are {', '.join(sorted(one.name for one in seen.members))}"
            address = self.addresses[found[0]]
            if await ask_guard(address, "/reader", self.port) != 200:
                return f"{target} is not Synced, or its guard does not answer"
            # First no member accepts writes, then the other one does. If this process ends between, the row still names this member.
            await self.set_read_only(True)
            self.observation = None
            if not await self.name_writer(found[0], seen.epoch):
                return "another member was named meanwhile"
        until = time.monotonic() + HANDOVER
        while await ask_guard(address, "/writer", self.port) != 200:
            if time.monotonic() > until:
                return f"{target} is named as the writer, but does not accept writes after {HANDOVER:.0f} s"
            await asyncio.sleep(POLL / 4)
        return ""

    async def leave(self) -> str:
        """Let the proxies direct nothing to this member, so that it can be stopped. Return the reason of a refusal, or "".

        A writer hands over first, unless no other member is in step.
        """
        async with self.lock:
            seen = await self.observe()
        if seen.is_writer:
            successor = await self.find_reader(seen)
            if successor and (refusal := await self.move(successor)):
                return refusal
        self.left, self.left_until = seen.own, time.monotonic() + LEAVING
        await asyncio.sleep(NOTICED)
        return ""

    async def find_reader(self, seen: Observation) -> str:
        """Return the name of another member that is in step, "" if there is none."""
        for one in sorted(seen.members - {seen.own}):
            address = self.addresses.get(one)  # none of a member that has gone meanwhile
            if address and await ask_guard(address, "/reader", self.port) == 200:
                return one.name
        return ""

    def is_reader(self, seen: Observation) -> bool:
        """Whether the proxies may read from this member."""
        left = seen.own == self.left and time.monotonic() < self.left_until
        return seen.is_reader and not left

    def log_once(self, text: str) -> None:
        """Log a text unless it was the last one."""
        if text != self.logged:
            self.logged = text
            log.info("%s", text)

    # -- answering -----------------------------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """Return the content of `/status`."""
        seen, values = self.observation, self.values
        if seen is None:
            return {"member": values.get("name"), "answers": False, "is_writer": False}
        return {
            "member": seen.own.name,
            "answers": True,
            "status": self.values["wsrep_cluster_status"],
            "primary": seen.primary,
            "state": seen.state,
            "size": int(values["wsrep_cluster_size"]),
            "members": sorted(one.name for one in seen.members),
            "arbitrator": self.arbitrator,
            "uuid": values["wsrep_cluster_state_uuid"],
            "view": int(values["wsrep_cluster_conf_id"]),
            "last_committed": int(values["wsrep_last_committed"]),
            "receive_queue": int(values["wsrep_local_recv_queue"]),
            "flow_control_paused": float(values["wsrep_flow_control_paused"]),
            "writer": seen.writer.name or None,
            "epoch": seen.epoch,
            "is_writer": seen.is_writer,
            "read_only": seen.read_only,
            "version": values["version"],
        }

    def respond(self, path: str) -> tuple[str, str]:
        """Return the status line and the body of an answer."""
        self.forget_old_observation()
        seen = self.observation
        if path == "/status":
            return "200 OK", json.dumps(self.status())
        roles = {"/writer": seen is not None and seen.is_writer, "/reader": seen is not None and self.is_reader(seen)}
        if path not in roles:
            return "404 Not Found", ""
        return ("200 OK" if roles[path] else "503 Service Unavailable"), ""

    async def answer_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and close the connection."""
        with contextlib.suppress(OSError, TimeoutError, ValueError, EOFError, asyncio.LimitOverrunError):
            async with asyncio.timeout(ANSWER):
                head = await reader.readuntil(b"\r\n\r\n")
                status, body = self.respond(head.split(maxsplit=2)[1].decode("ascii", "replace"))
                writer.write(
                    f"HTTP/1.0 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
                )
                await writer.drain()
        writer.close()

    async def answer_control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Execute a command of this container, `move MEMBER` or `leave`. Answer with the reason of a refusal."""
        command, _space, target = (await reader.readline()).decode().strip().partition(" ")
        try:
            if command == "move":
                refusal = await self.move(target)
            elif command == "leave":
                refusal = await self.leave()
            else:
                refusal = f"unknown command {command!r}"
        except ERRORS as error:
            refusal = f"{type(error).__name__}: {error or 'no answer in time'}"
        with contextlib.suppress(OSError):
            writer.write(f"{refusal}\n".encode())
            await writer.drain()
        writer.close()


def _port() -> int:
    return int(os.environ.get("WABA_GUARD_PORT") or PORT)


async def run() -> int:
    """Run the guard until it receives a signal. Return the exit status."""
    guard = DatabaseGuard(_port())
    with contextlib.suppress(FileNotFoundError):
        os.unlink(CONTROL)
    await asyncio.start_server(guard.answer_http, os.environ.get("WABA_GUARD_ADDRESS") or None, guard.port)
    await asyncio.start_unix_server(guard.answer_control, CONTROL)
    work = (guard.run(), guard.watch_others(), guard.remember_positions(POSITION_FILE))
    tasks = [asyncio.create_task(one) for one in work]
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, tasks[0].cancel)
    done, _pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        if not task.cancelled():
            task.result()
    return 0


async def request(command: str) -> int:
    """Ask the guard of this container to execute `move MEMBER` or `leave`. Return the exit status."""
    began = time.monotonic()
    try:
        reader, writer = await asyncio.open_unix_connection(CONTROL)
        writer.write(f"{command}\n".encode())
        answer = await reader.readline()
        writer.close()
        refusal = answer.decode().strip() if answer else "the guard ended"
    except OSError as error:
        refusal = f"no guard runs in this container: {error}"
    if refusal:
        print(f"E {refusal}", file=sys.stderr)
        return 1
    print(f"I {command}: done after {time.monotonic() - began:.2f} s")
    return 0


async def check() -> int:
    """Return 0 when the guard of this container answers, 1 otherwise."""
    return int(await ask_guard("127.0.0.1", "/status", _port()) != 200)
