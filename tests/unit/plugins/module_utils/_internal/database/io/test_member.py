# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io import member
from docker.errors import NotFound

IMAGE = "waba/mariadb:v1.0.0"
VOLUME = {"type": "named", "source": "mysqlData"}
POSITION = '{"initialised": true, "member": true, "uuid": "u", "seqno": 7, "safe_to_bootstrap": false}'


class Engine:
    """A host whose member does not run. sockets: the folder of the volume that guard and member share, None without it."""

    def __init__(self, sockets: Path | None) -> None:
        self.sockets = sockets
        self.created: dict[str, dict[str, str]] = {}
        self.api = SimpleNamespace(
            containers=lambda **_options: [],
            inspect_volume=self.inspect_volume,
            create_volume=lambda name, labels: self.created.update({name: labels}),
        )

    def inspect_volume(self, name: str) -> dict[str, Any]:
        if self.sockets is None and name not in self.created:
            raise NotFound(name)
        return {"Mountpoint": str(self.sockets)}


def observed(monkeypatch: pytest.MonkeyPatch, sockets: Path | None, output: str = POSITION) -> dict[str, Any]:
    monkeypatch.setattr(member.one_shot, "run_on_volume", lambda *_arguments: output)
    engine = Engine(sockets)
    engine.created["waba_mysqlData"] = {}
    return member.observe(engine, "waba", IMAGE, VOLUME)


def test_a_stopped_member_is_reported_with_the_position_of_its_volume_and_the_remembered_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "waba-position").write_text('{"uuid": "u", "seqno": 9}', encoding="utf-8")
    found = observed(monkeypatch, tmp_path, f"{POSITION}\ncrashed\n")
    assert (found["seqno"], found["clean"], found["remembered"]) == (7, False, {"uuid": "u", "seqno": 9})


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"uuid": "u", "seqno": null}', '{"uuid": "u", "seq'])
def test_a_damaged_memory_of_the_guard_is_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    (tmp_path / "waba-position").write_text(content, encoding="utf-8")
    assert observed(monkeypatch, tmp_path)["remembered"] is None


def test_a_host_without_a_guard_remembers_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert observed(monkeypatch, None)["remembered"] is None
    assert observed(monkeypatch, tmp_path)["remembered"] is None


def test_a_definition_encrypts_where_its_database_service_says_so() -> None:
    assert not member.encrypts({"services": {"db": {"environment": {"WABA_GALERA_NODE": "db1"}}, "db-guard": {}}})
    assert member.encrypts({"services": {"db": {"environment": {"WABA_GALERA_TLS": "1"}}, "db-guard": {}}})


def test_a_first_start_creates_the_volume_with_the_labels_of_the_cluster_and_of_compose(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(member.one_shot, "run_on_volume", lambda *_arguments: "")
    engine = Engine(None)
    for _run in range(2):
        member.permit_bootstrap(engine, "waba", IMAGE, VOLUME, ("u", 7), "run-1")
    labels = {"com.docker.compose.project": "waba-db", "com.docker.compose.volume": "mysqlData"}
    assert engine.created == {"waba_mysqlData": {"waba.cluster.name": "waba", **labels}}
    external = {"type": "external", "source": "data"}
    member.permit_bootstrap(engine, "waba", IMAGE, external, ("u", 7), "run-1")
    assert list(engine.created) == ["waba_mysqlData"]


@pytest.mark.parametrize(("new", "last"), [(False, []), (True, ["new"])])
def test_a_choice_of_an_operator_begins_a_new_history(
    monkeypatch: pytest.MonkeyPatch, new: bool, last: list[str]
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(
        member.one_shot, "run_on_volume", lambda _client, _cluster, _image, command, _mount: commands.append(command)
    )
    external = {"type": "external", "source": "data"}
    member.permit_bootstrap(Engine(None), "waba", IMAGE, external, ("u", 7), "run-1", new_history=new)
    assert commands == [["bootstrap-file", "u", "7", "run-1", *last]]


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ({"Status": "running", "Health": {"Status": "healthy"}}, {"running": True, "joined": True}),
        ({"Status": "running", "Health": {"Status": "unhealthy"}}, {"running": True, "joined": False}),
        ({"Status": "paused", "Health": {"Status": "healthy"}}, {"running": True, "joined": False}),
        ({"Status": "exited"}, {"running": False, "joined": False}),
        (None, {"running": False, "joined": False}),
    ],
)
def test_an_arbitrator_votes_while_its_health_check_finds_that_it_is_counted(
    monkeypatch: pytest.MonkeyPatch, state: dict[str, Any] | None, found: dict[str, bool]
) -> None:
    monkeypatch.setattr(member, "_container", lambda *_arguments: {"State": state} if state else None)
    assert member.observe_arbitrator(Engine(None), "waba") == found


@pytest.mark.parametrize(
    ("state", "status", "commands", "drained"),
    [
        ("running", 0, ["leave"], True),
        ("running", 1, ["leave"], False),
        ("exited", 0, [], False),
        (None, 0, [], False),
    ],
)
def test_drain_does_not_fail_where_no_guard_can_do_it(
    monkeypatch: pytest.MonkeyPatch, state: str | None, status: int, commands: list[str], drained: bool
) -> None:
    executed: list[str] = []

    def execute(_client: object, _container: str, command: list[str]) -> tuple[int, str]:
        executed.append(command[-1])
        return status, ""

    guard = {"Id": "g", "State": {"Status": state}} if state else None
    monkeypatch.setattr(member, "_container", lambda *_arguments: guard)
    monkeypatch.setattr(member.containers, "execute", execute)
    assert member.drain(Engine(None), "waba") is drained
    assert executed == commands


@pytest.mark.parametrize(("state", "drained"), [("running", True), ("exited", False), (None, False)])
def test_check_mode_of_a_drain_asks_whether_the_guard_runs(
    monkeypatch: pytest.MonkeyPatch, state: str | None, drained: bool
) -> None:
    guard = {"Id": "g", "State": {"Status": state}} if state else None
    monkeypatch.setattr(member, "_container", lambda *_arguments: guard)
    assert member.drain(Engine(None), "waba", check_mode=True) is drained
