"""The guard of a database member, with a server that is simulated. molecule/database_ha has the tests with real ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from waba_node.maintenance import database_guard
from waba_node.maintenance.database_guard import DatabaseGuard, PositionMemory, ask_guard, store_position


class SimulatedServer:
    """A member db1 of two. down: it does not answer. stopping: it has unloaded Galera."""

    def __init__(self) -> None:
        self.state, self.read_only, self.row, self.down = "Synced", True, None, False
        self.stopping = False
        self.statements: list[str] = []
        self.committed = 7
        self.incarnation = "one"
        self.arbitrator = False
        self.view = 4

    async def execute(
        self, *statements: str, arguments: tuple[object, ...] = (), timeout: float = 0
    ) -> tuple[Any, ...]:
        if self.down:
            raise OSError("refused")
        self.statements += statements
        first = statements[0]
        if first == database_guard.READ_STATUS:
            return tuple(
                (name, value) for name, value in self.status().items() if not self.stopping or name == "version"
            )
        if first == database_guard.READ_MEMBERS:
            arbitrator = (("arb", "three", ""),) if self.arbitrator else ()
            return (("db1", self.incarnation, "127.0.0.1:0"), ("db2", "two", "127.0.0.1:0"), *arbitrator)
        if first == database_guard.READ_WRITER:
            return (self.row,) if self.row else ()
        if first == database_guard.NAME_WRITER:
            member, incarnation, epoch = arguments
            matched = self.row[2] == epoch
            if matched:
                self.row = (member, incarnation, epoch + 1)
            return (int(matched),)
        if first.startswith("SET GLOBAL read_only"):
            self.read_only = first.endswith("ON")
        if first == database_guard.CREATE[0]:
            self.row = ("", "", 0)
        return (0,)

    def status(self) -> dict[str, str]:
        return {
            "name": "db1",
            "read_only": str(int(self.read_only)),
            "version": "11.8",
            "wsrep_cluster_status": "Primary",
            "wsrep_cluster_conf_id": str(self.view),
            "wsrep_cluster_size": "3" if self.arbitrator else "2",
            "wsrep_cluster_state_uuid": "cluster",
            "wsrep_local_state_comment": self.state,
            "wsrep_gcomm_uuid": self.incarnation,
            "wsrep_last_committed": str(self.committed),
            "wsrep_local_recv_queue": "0",
            "wsrep_flow_control_paused": "0.25",
        }


@pytest.fixture
def server() -> SimulatedServer:
    return SimulatedServer()


@pytest.fixture
async def guard(server: SimulatedServer, free_ports: Callable[[int], tuple[int, ...]]) -> DatabaseGuard:
    (port,) = free_ports(1)
    made = DatabaseGuard(port)
    made.server = made.changes = server
    return made


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The status of db2 by its guard, which is the writer."""
    status = {"is_writer": True, "primary": True, "uuid": "cluster", "epoch": 5, "view": 4}

    async def answer(_address: str, _port: int) -> dict[str, Any]:
        return status

    monkeypatch.setattr(database_guard, "ask_status", answer)
    return status


async def steps(guard: DatabaseGuard, count: int) -> None:
    for _number in range(count):
        await guard.step()


async def test_the_first_member_creates_the_row_and_becomes_the_writer(
    guard: DatabaseGuard, server: SimulatedServer
) -> None:
    await steps(guard, 4)  # create, claim, allow writes, observe
    assert server.row == ("db1", "one", 1)
    assert not server.read_only
    assert guard.respond("/writer")[0] == "200 OK"
    assert guard.respond("/reader")[0].startswith("503")


@pytest.mark.usefixtures("other")
async def test_a_reader_is_made_read_only(guard: DatabaseGuard, server: SimulatedServer) -> None:
    server.row, server.read_only = ("db2", "two", 5), False
    await steps(guard, 2)
    assert server.read_only
    assert server.row == ("db2", "two", 5)
    assert guard.respond("/reader")[0] == "200 OK"


async def test_a_server_that_stops_is_neither_writer_nor_reader(guard: DatabaseGuard, server: SimulatedServer) -> None:
    await steps(guard, 4)
    server.stopping = True
    with pytest.raises(EOFError, match="reports no state of a member"):
        await guard.step()
    assert guard.respond("/writer")[0].startswith("503")
    assert guard.respond("/reader")[0].startswith("503")


async def test_a_server_that_does_not_answer_is_neither_writer_nor_reader(
    guard: DatabaseGuard, server: SimulatedServer
) -> None:
    await steps(guard, 4)
    server.down = True
    with pytest.raises(OSError, match="refused"):
        await guard.step()
    assert guard.respond("/writer")[0].startswith("503")
    assert json.loads(guard.respond("/status")[1]) == {"member": "db1", "answers": False, "is_writer": False}


async def test_an_arbitrator_votes_and_is_no_member(guard: DatabaseGuard, server: SimulatedServer) -> None:
    await steps(guard, 4)
    assert json.loads(guard.respond("/status")[1])["arbitrator"] is False
    server.arbitrator = True
    await guard.step()
    status = json.loads(guard.respond("/status")[1])
    assert (status["size"], status["members"], status["arbitrator"]) == (3, ["db1", "db2"], True)
    assert list(guard.addresses.values()) == ["127.0.0.1", "127.0.0.1"], "an arbitrator has no guard to ask"


@pytest.mark.parametrize("arbitrator", [True, False])
async def test_the_vote_of_an_arbitrator_proves_that_a_silent_writer_is_at_fault(
    guard: DatabaseGuard, server: SimulatedServer, arbitrator: bool
) -> None:
    server.row, server.arbitrator = ("db2", "two", 5), arbitrator
    guard.answers = {"db2": {}}
    seen = await guard.observe()
    assert (seen.writer_serves, seen.others_answer) == (False, arbitrator)


async def test_an_old_observation_is_not_used(guard: DatabaseGuard) -> None:
    await steps(guard, 4)
    guard.observed_at -= 10
    assert guard.respond("/writer")[0].startswith("503")


@pytest.mark.parametrize(
    ("status", "serves"),
    [
        ({"view": 4}, True),
        ({"view": 5}, False),
        ({"view": 2, "epoch": 6}, False),  # a group that began again, with another writer
        ({"view": 5, "primary": False}, True),
        ({"view": 5, "uuid": "another cluster"}, True),
    ],
)
async def test_a_member_that_the_others_have_excluded_is_neither_writer_nor_reader(
    guard: DatabaseGuard, server: SimulatedServer, other: dict[str, Any], status: dict[str, Any], serves: bool
) -> None:
    """A server that was frozen reports its former view for some seconds: commits on it would hang."""
    expected = {"/writer": "200 OK", "/reader": "200 OK"} if serves else dict.fromkeys(("/writer", "/reader"), "503")
    other.update(status, is_writer=False)
    for path, row in {"/writer": ("db1", "one", 5), "/reader": ("db2", "two", 5)}.items():
        server.row, server.read_only, guard.observation = row, path == "/reader", None
        await guard.step()
        assert guard.respond(path)[0].startswith(expected[path])


async def test_a_member_is_outdated_only_if_it_was_read_after_the_others_had_reported_a_later_view(
    guard: DatabaseGuard, server: SimulatedServer, other: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every member learns of a new view at its own moment."""
    server.row, execute = ("db1", "one", 5), server.execute

    async def execute_while_the_other_reports(*statements: str, **options: Any) -> tuple[Any, ...]:
        guard.answers = {"db2": {**other, "view": 5}}
        return await execute(*statements, **options)

    monkeypatch.setattr(server, "execute", execute_while_the_other_reports)
    assert not (await guard.observe()).outdated
    assert (await guard.observe()).outdated


async def test_a_member_that_has_not_answered_serves_only_after_the_others_were_asked(
    guard: DatabaseGuard, server: SimulatedServer, other: dict[str, Any]
) -> None:
    server.row, server.read_only = ("db1", "one", 5), False
    await guard.step()
    server.down = True
    with pytest.raises(OSError, match="refused"):
        await guard.step()
    server.down, other["view"] = False, 5
    await guard.step()
    assert guard.respond("/writer")[0].startswith("503")


async def test_status_has_what_operators_need(guard: DatabaseGuard) -> None:
    await steps(guard, 4)
    status = json.loads(guard.respond("/status")[1])
    assert (status["writer"], status["state"], status["size"], status["last_committed"]) == ("db1", "Synced", 2, 7)
    assert (status["flow_control_paused"], status["members"]) == (0.25, ["db1", "db2"])


async def test_answers_over_http(guard: DatabaseGuard) -> None:
    await steps(guard, 4)
    listener = await asyncio.start_server(guard.answer_http, "127.0.0.1", guard.port)
    statuses = [await ask_guard("127.0.0.1", path, guard.port) for path in ("/writer", "/reader", "/status", "/other")]
    assert statuses == [200, 503, 200, 404]
    assert (await database_guard.ask_status("127.0.0.1", guard.port))["view"] == 4
    listener.close()
    assert await database_guard.ask_status("127.0.0.1", guard.port) == {}
    assert await ask_guard("127.0.0.1", "/writer", guard.port) == 0


async def test_move_is_refused_outside_the_writers_guard(guard: DatabaseGuard, server: SimulatedServer) -> None:
    server.row = ("db2", "two", 5)
    assert await guard.move("db1") == "the writer is db2: run this command in its guard"


async def test_move_is_refused_for_a_member_that_is_not_in_step(guard: DatabaseGuard, server: SimulatedServer) -> None:
    await steps(guard, 4)
    assert (await guard.move("db9")).startswith("db9 is not a member; members are db1, db2")
    assert await guard.move("db2") == "db2 is not Synced, or its guard does not answer"
    assert not server.read_only


async def test_move_makes_the_server_read_only_before_it_names_the_next_writer(
    guard: DatabaseGuard, server: SimulatedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await steps(guard, 4)

    async def answers(_address: str, _path: str, _port: int) -> int:
        return 200

    monkeypatch.setattr(database_guard, "ask_guard", answers)
    server.statements.clear()
    assert await guard.move("db2") == ""
    changes = [statement for statement in server.statements if statement.startswith(("SET GLOBAL", "UPDATE"))]
    assert changes == ["SET GLOBAL read_only = ON", database_guard.NAME_WRITER]
    assert server.row == ("db2", "two", 2)
    assert guard.respond("/writer")[0].startswith("503")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test wait until proxies notice a change."""
    monkeypatch.setattr(database_guard, "NOTICED", 0)


@pytest.mark.usefixtures("quick", "other")
async def test_a_member_that_leaves_is_no_reader_until_it_restarts_or_stays_after_all(
    guard: DatabaseGuard, server: SimulatedServer
) -> None:
    server.row = ("db2", "two", 5)
    await steps(guard, 1)
    assert guard.respond("/reader")[0] == "200 OK"
    assert await guard.leave() == ""
    assert guard.respond("/reader")[0].startswith("503")
    guard.left_until -= database_guard.LEAVING
    assert guard.respond("/reader")[0] == "200 OK"
    assert await guard.leave() == ""
    server.incarnation = "one again"
    await steps(guard, 1)
    assert guard.respond("/reader")[0] == "200 OK"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("reader", "writer"), [(200, "db2"), (503, "db1")])
async def test_a_writer_that_leaves_hands_over_if_another_member_is_in_step(
    guard: DatabaseGuard, server: SimulatedServer, monkeypatch: pytest.MonkeyPatch, reader: int, writer: str
) -> None:
    await steps(guard, 4)

    async def answers(_address: str, _path: str, _port: int) -> int:
        return reader

    monkeypatch.setattr(database_guard, "ask_guard", answers)
    assert await guard.leave() == ""
    await steps(guard, 1)
    assert server.row[0] == writer
    assert guard.respond("/reader")[0].startswith("503")


@pytest.mark.usefixtures("quick", "other")
@pytest.mark.parametrize(
    ("command", "refusal"),
    [("leave", ""), ("move db9", "the writer is db2"), ("", "unknown command ''"), ("stay", "unknown command 'stay'")],
)
async def test_a_command_is_answered_with_the_reason_of_its_refusal(
    guard: DatabaseGuard, server: SimulatedServer, tmp_path: Path, command: str, refusal: str
) -> None:
    server.row = ("db2", "two", 5)
    await steps(guard, 1)
    listener = await asyncio.start_unix_server(guard.answer_control, tmp_path / "control")
    reader, writer = await asyncio.open_unix_connection(tmp_path / "control")
    writer.write(f"{command}\n".encode())
    assert (await reader.readline()).decode().strip().startswith(refusal)
    assert bool(guard.left) is (command == "leave")
    writer.close()
    listener.close()


async def test_a_position_is_stored_one_turn_after_the_member_has_reached_it(
    guard: DatabaseGuard, server: SimulatedServer
) -> None:
    memory, stored = PositionMemory(), []
    for committed in (7, 7, 8, 9, 9, 9):
        server.committed = committed
        await steps(guard, 2)
        stored.append(memory.next(guard.position()))
    assert stored == [None, ("cluster", 7), None, ("cluster", 8), ("cluster", 9), None]


async def test_a_member_that_is_not_in_step_has_no_position(guard: DatabaseGuard, server: SimulatedServer) -> None:
    assert guard.position() is None
    server.state = "Joiner"
    await steps(guard, 2)
    assert guard.position() is None


def test_a_stored_position_replaces_the_former_file(tmp_path: Path) -> None:
    for seqno in (7, 8):
        store_position(str(tmp_path / "position"), "cluster", seqno)
    assert [(file.name, json.loads(file.read_text(encoding="utf-8"))) for file in tmp_path.iterdir()] == [
        ("position", {"uuid": "cluster", "seqno": 8})
    ]


@pytest.mark.parametrize(
    ("address", "host"),
    [("192.0.2.1:3306", "192.0.2.1"), ("db1.test:3306", "db1.test"), ("[2001:db8::1]:3306", "2001:db8::1")],
)
def test_member_is_asked_at_the_host_of_its_address(address: str, host: str) -> None:
    assert database_guard.host_of(address) == host
