# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.io import fault
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

TARGETS = [{"id": "a1", "name": "wacore1", "pid": 7, "versions": [4], "shares_network": False}]


class Killed(BaseException):
    """The module is killed while the fault lasts."""


class Host:
    """A host with or without systemd. commands: those that were run. failing: words of commands that fail."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.commands = folder, list[str]()
        self.failing: set[str] = set()
        self.scripts_at_fault: list[str] = []

    def run_command(self, command: list[str], **_options: object) -> tuple[int, str, str]:
        self.commands.append(" ".join(command))
        if command[1] in ("kill", "pause") or command[0] == "nsenter":
            self.scripts_at_fault = sorted(os.listdir(self.folder))
        if self.failing & set(command):
            return 1, "", "it fails"
        if command[0] == "/bin/sh":
            os.unlink(command[1])
        return 0, "", ""

    def cause(self, kind: str = "kill", targets: Any = None, **options: Any) -> dict[str, float]:
        return fault.cause(self.run_command, "waba", kind, targets or TARGETS, 40, **options)

    def scripts(self) -> list[str]:
        return sorted(os.listdir(self.folder)) if self.folder.exists() else []


def living(group: int) -> list[str]:
    """Return the processes of a group that have not ended. An ended one exists until its parent asks for its status."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            state, _parent, of_group = path.read_text(encoding="utf-8").rpartition(")")[2].split()[:3]
            found += [path.parent.name] if int(of_group) == group and state != "Z" else []
    return found


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The durations for which the module waited."""
    durations: list[float] = []
    monkeypatch.setattr(time, "sleep", durations.append)
    return durations


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slept: list[float]) -> Host:
    assert slept == []
    monkeypatch.setattr(fault, "FOLDER", str(tmp_path / "drill"))
    monkeypatch.setattr(fault, "SYSTEMD", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda tool: f"/usr/sbin/{tool}")
    return Host(tmp_path / "drill")


def test_the_timer_is_set_before_the_fault_and_stopped_after_it_was_undone(host: Host, slept: list[float]) -> None:
    lasted = host.cause()
    assert [command.split()[0] + " " + command.split()[1] for command in host.commands] == [
        "systemd-run --quiet",
        "docker kill",
        f"/bin/sh {host.commands[2].split()[1]}",
        "systemctl stop",
    ]
    assert "--on-active=70s" in host.commands[0]
    assert slept == [40]
    assert lasted["began"] <= lasted["ended"]
    assert len(host.scripts_at_fault) == 1
    assert host.scripts() == []


def test_the_script_is_only_for_its_owner(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    monkeypatch.setattr(
        time, "sleep", lambda _seconds: modes.extend(path.stat().st_mode & 0o777 for path in host.folder.iterdir())
    )
    host.cause()
    assert modes == [0o700]


def test_the_timer_remains_when_the_drill_is_killed_and_cannot_undo(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_seconds: float) -> None:
        host.failing.add("/bin/sh")
        raise Killed

    monkeypatch.setattr(time, "sleep", killed)
    with pytest.raises(HostError):
        host.cause()
    assert not any(command.startswith("systemctl stop") for command in host.commands)
    assert len(host.scripts()) == 1


def test_a_fault_that_fails_halfway_is_undone_at_once(host: Host, slept: list[float]) -> None:
    host.failing.add("OUTPUT")
    with pytest.raises(HostError, match="nsenter"):
        host.cause("isolate")
    assert slept == []
    assert host.commands[-1].startswith("/bin/sh")
    assert host.scripts() == []


def test_nothing_is_touched_when_no_timer_can_be_set(host: Host) -> None:
    host.failing.add("systemd-run")
    with pytest.raises(HostError, match="nothing was touched"):
        host.cause()
    assert len(host.commands) == 1
    assert host.scripts() == []


def test_without_systemd_a_detached_process_is_the_timer(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault, "SYSTEMD", "/nonexistent")
    monkeypatch.setattr(fault, "GRACE", 600)
    pids: list[int] = []
    popen = fault.subprocess.Popen

    def started(*arguments: Any, **options: Any) -> Any:
        process = popen(*arguments, **options)
        pids.append(process.pid)
        assert options["start_new_session"]
        return process

    monkeypatch.setattr(fault.subprocess, "Popen", started)
    host.cause()
    assert [command.split()[0] for command in host.commands] == ["docker", "/bin/sh"]
    deadline = time.monotonic() + 10
    while living(pids[0]):
        assert time.monotonic() < deadline


def test_a_drill_is_refused_while_another_one_is_not_undone(host: Host) -> None:
    host.folder.mkdir()
    (host.folder / "waba-00.sh").touch()
    with pytest.raises(HostError, match=r"Nothing was touched.*sh .*waba-00\.sh"):
        host.cause()
    assert host.commands == []


def test_the_drill_of_another_cluster_is_no_obstacle(host: Host) -> None:
    host.folder.mkdir()
    (host.folder / "other-00.sh").touch()
    host.cause()
    assert host.scripts() == ["other-00.sh"]


def test_the_network_of_the_host_is_never_cut_off(host: Host) -> None:
    with pytest.raises(HostError, match="db uses the network of the host"):
        host.cause("isolate", [{**TARGETS[0], "name": "db", "shares_network": True}])
    assert (host.commands, host.scripts()) == ([], [])


def test_missing_tools_are_refused_by_name(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda tool: None if tool == "ip6tables" else tool)
    with pytest.raises(HostError, match="lacks ip6tables"):
        host.cause("isolate", [{**TARGETS[0], "versions": [4, 6]}])
    assert host.commands == []


def inspected(identifier: str, **changes: Any) -> dict[str, Any]:
    return {
        "Id": identifier,
        "Name": f"/{identifier}",
        "Config": {"Labels": {"waba.cluster.role": "coreapp"}},
        "State": {"Status": "running", "Pid": 7},
        "NetworkSettings": {"Networks": {"one": {"GlobalIPv6Address": ""}}},
        "HostConfig": {"NetworkMode": "one"},
        **changes,
    }


class Client:
    """An engine with the containers and the networks of a cluster."""

    def __init__(self, *found: dict[str, Any]) -> None:
        self.api, self.found = self, {one["Id"]: one for one in found}

    def containers(self, **_options: object) -> list[dict[str, Any]]:
        return list(self.found.values())

    def inspect_container(self, identifier: str) -> dict[str, Any]:
        return self.found[identifier]

    def networks(self, filters: dict[str, str]) -> list[dict[str, Any]]:
        assert filters == {"label": "waba.cluster.name=waba"}
        return [
            {"IPAM": {"Config": [{"Subnet": "172.18.0.0/16"}, {"Subnet": "fd00::/64"}]}},
            {"IPAM": {"Config": None}},
        ]


def test_containers_are_found_by_the_beginning_of_their_id() -> None:
    six = {"Networks": {"one": {"GlobalIPv6Address": "fd00::2"}}}
    client: Any = Client(inspected("abc123"), inspected("def456", NetworkSettings=six))
    found = fault.victims(client, "waba", ["def4", "abc1"])
    assert [(one["id"], one["versions"]) for one in found] == [("def456", [4, 6]), ("abc123", [4])]


@pytest.mark.parametrize("name", ["fff", "", "ab"])
def test_a_container_that_is_gone_or_ambiguous_is_refused(name: str) -> None:
    client: Any = Client(inspected("abc123"), inspected("abd456"))
    with pytest.raises(HostError, match="Nothing was touched"):
        fault.victims(client, "waba", [name])


def test_a_container_that_does_not_run_is_refused() -> None:
    client: Any = Client(inspected("abc123", State={"Status": "exited", "Pid": 0}))
    with pytest.raises(HostError, match="does not run any more"):
        fault.victims(client, "waba", ["abc"])


def test_local_addresses_are_those_of_the_networks_and_of_the_host() -> None:
    client: Any = Client()
    found = fault.local_addresses(client, "waba", lambda _command, **_options: (0, "192.0.2.1 fd00::1 \n", ""))
    assert found == ["172.18.0.0/16", "fd00::/64", "192.0.2.1", "fd00::1"]
