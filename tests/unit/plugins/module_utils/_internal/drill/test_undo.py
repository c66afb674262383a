# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The script that undoes a fault, run by a real shell against imitations of docker, nsenter and iptables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill import undo
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.undo import (
    armed_command,
    commands,
    script,
    sleeper_command,
)

# State of the engine: {container: {"status", "pid", "rules": {tool: [...]}}}, and "refuse": how many more commands fail.
FAKE = """#!{python} -IS
import json, os, sys
path = os.environ["FAKE_STATE"]
state = json.load(open(path))
tool, arguments = os.path.basename(sys.argv[0]), sys.argv[1:]

def end(code=0):
    json.dump(state, open(path, "w"))
    sys.exit(code)

if tool == "nsenter":
    pid, tool, arguments = arguments[1], arguments[3], arguments[4:]
    (box,) = [one for one in state["containers"].values() if str(one["pid"]) == pid]
    rules = box["rules"].setdefault(tool, [])
    arguments = arguments[2:] if arguments[0] == "--wait" else arguments
    if arguments[0] == "--list-rules":
        print("\\n".join(["-P INPUT ACCEPT", *("-A " + rule for rule in rules)]))
    else:
        assert arguments[0] == "-D", arguments
        rules.remove(" ".join(arguments[1:]))
    end()
if state["refuse"]:
    state["refuse"] -= 1
    end(1)
command, rest = arguments[0], arguments[1:]
box = state["containers"].get(rest[-1]) if rest else None
if command == "inspect":
    if box is None:
        print("Error response from daemon: No such container: x", file=sys.stderr)
        end(1)
    if "--format" not in rest:
        end()
    print(box["pid"] if "Pid" in rest[3] else box["status"])
elif command == "start":
    assert box["status"] in ("exited", "created", "dead")
    box["status"] = "running"
elif command == "unpause":
    assert box["status"] == "paused"
    box["status"] = "running"
else:
    raise AssertionError(command)
end()
"""


class Engine:
    """An imitation of the engine of a host."""

    def __init__(self, folder: Path) -> None:
        self.state, self.tools = folder / "state.json", folder / "tools"
        self.folder = folder / "drill"
        self.folder.mkdir()
        self.tools.mkdir()
        for tool in ("docker", "nsenter", "sleep"):
            (self.tools / tool).write_text(
                FAKE.replace("{python}", sys.executable) if tool != "sleep" else "#!/bin/sh\n", encoding="utf-8"
            )
            (self.tools / tool).chmod(0o755)

    def run(
        self, fault: str, boxes: dict[str, dict[str, Any]], *, refuse: int = 0, versions: tuple[int, ...] = (4,)
    ) -> int:
        """Undo a fault of containers; return the exit status."""
        self.state.write_text(json.dumps({"containers": boxes, "refuse": refuse}), encoding="utf-8")
        self.path = self.folder / "waba-1.sh"
        text = script("waba", fault, [{"id": one, "pid": 0, "versions": versions} for one in [*boxes, "removed"]])
        self.path.write_text(text, encoding="utf-8")
        environment = {"PATH": f"{self.tools}:{os.environ['PATH']}", "FAKE_STATE": str(self.state)}
        return subprocess.run(["sh", self.path], env=environment, check=False, timeout=60).returncode

    def boxes(self) -> Any:
        return json.loads(self.state.read_text(encoding="utf-8"))["containers"]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def box(status: str, pid: int = 0, rules: dict[str, list[str]] | None = None) -> dict[str, Any]:
    return {"status": status, "pid": pid, "rules": rules or {}}


def test_killed_containers_start_again_and_the_script_removes_itself(engine: Engine) -> None:
    assert engine.run("kill", {"a": box("exited"), "b": box("running", 7), "c": box("created")}) == 0
    assert {name: one["status"] for name, one in engine.boxes().items()} == dict.fromkeys("abc", "running")
    assert not engine.folder.exists()


def test_frozen_containers_continue(engine: Engine) -> None:
    assert engine.run("freeze", {"a": box("paused", 5), "b": box("running", 6), "c": box("exited")}) == 0
    assert [one["status"] for one in engine.boxes().values()] == ["running", "running", "exited"]


def test_only_the_rules_of_the_drill_are_deleted_from_a_network(engine: Engine) -> None:
    own = [
        "INPUT ! -i lo -m comment --comment waba-drill -j DROP",
        "OUTPUT -d 172.18.0.0/16 -m comment --comment waba-drill -j ACCEPT",
    ]
    other = "INPUT -m comment --comment other -j ACCEPT"
    boxes = {"a": box("running", 5, {"iptables": [own[0], other, own[1]], "ip6tables": own[:1]}), "b": box("exited")}
    assert engine.run("isolate", boxes, versions=(4, 6)) == 0
    assert engine.boxes()["a"]["rules"] == {"iptables": [other], "ip6tables": []}


def test_the_script_is_repeated_until_the_engine_answers(engine: Engine) -> None:
    assert engine.run("kill", {"a": box("exited")}, refuse=3) == 0
    assert engine.boxes()["a"]["status"] == "running"
    assert not engine.path.exists()


def test_the_script_stays_when_the_engine_never_answers(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "ATTEMPTS", 3)
    assert engine.run("kill", {"a": box("exited")}, refuse=10_000) == 1
    assert engine.path.exists()


def test_the_timer_without_systemd_runs_the_script_only_if_it_still_exists(tmp_path: Path) -> None:
    path = tmp_path / "undo.sh"
    marker = tmp_path / "ran"
    for exists in (False, True):
        if exists:
            path.write_text(f"touch {marker}\n", encoding="utf-8")
        subprocess.run(sleeper_command(str(path), 0), check=True, timeout=30)
        assert marker.exists() == exists


def test_the_timer_of_systemd_is_precise_and_leaves_no_unit() -> None:
    command = armed_command("waba-drill-waba-1", "/var/lib/waba-drill/waba-1.sh", 80)
    assert command[0] == "systemd-run"
    assert {"--collect", "--unit=waba-drill-waba-1", "--on-active=80s"} <= set(command)
    assert command[-2:] == ["/bin/sh", "/var/lib/waba-drill/waba-1.sh"]


def test_a_kill_and_a_freeze_affect_all_containers_at_once() -> None:
    targets = [{"id": "a", "pid": 1, "versions": [4]}, {"id": "b", "pid": 2, "versions": [4]}]
    assert commands("kill", targets) == [["docker", "kill", "a", "b"]]
    assert commands("freeze", targets) == [["docker", "pause", "a", "b"]]


def test_isolation_drops_everything_but_the_loopback_interface_and_local_addresses() -> None:
    made = commands("isolate", [{"id": "a", "pid": 7, "versions": [4, 6]}], ["172.18.0.0/16", "fd00::/64"])
    assert all(command[:4] == ["nsenter", "--target", "7", "--net"] for command in made)
    rules = [" ".join(command[4:]).replace("--match comment --comment waba-drill ", "") for command in made]
    assert rules == [
        "iptables --wait 10 --insert INPUT ! --in-interface lo --jump DROP",
        "iptables --wait 10 --insert INPUT --source 172.18.0.0/16 --jump ACCEPT",
        "iptables --wait 10 --insert OUTPUT ! --out-interface lo --jump DROP",
        "iptables --wait 10 --insert OUTPUT --destination 172.18.0.0/16 --jump ACCEPT",
        "ip6tables --wait 10 --insert INPUT ! --in-interface lo --jump DROP",
        "ip6tables --wait 10 --insert INPUT --source fd00::/64 --jump ACCEPT",
        "ip6tables --wait 10 --insert OUTPUT ! --out-interface lo --jump DROP",
        "ip6tables --wait 10 --insert OUTPUT --destination fd00::/64 --jump ACCEPT",
    ]
