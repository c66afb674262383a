# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.callback import support_bundle

NODES = ["db1", "master1", "webapp1"]
DONE = "TASK [Report the collected logs]\nArchive: /root/waba logs/waba-1.tar.gz\n\nPLAY RECAP"


class Run:
    """A run of a playbook, observed by the callback. printed: the lines of the callback. started: the commands that it starts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.printed: list[str] = []
        self.started: list[list[str]] = []
        self.answer: Callable[[], tuple[int, str]] = lambda: (0, DONE)
        self.options: dict[str, Any] = {"inventory": ("/etc/waba",), "check": False}
        monkeypatch.setattr(support_bundle.context, "CLIARGS", self.options)
        monkeypatch.setattr(support_bundle, "run", self._start)
        monkeypatch.delenv(support_bundle.MARK, raising=False)
        self.callback = support_bundle.CallbackModule()
        self.callback._display = SimpleNamespace(display=self.printed.append, warning=self.printed.append)
        self.callback.get_option = lambda _name: 600

    def _start(self, command: list[str], _timeout: float) -> tuple[int, str]:
        self.started.append(command)
        return self.answer()

    def fail(
        self,
        playbook: str = "site",
        message: str = "the container is unhealthy",
        hosts: tuple[str, ...] = ("db1",),
        down: tuple[str, ...] = (),
        nodes: list[str] | None = None,
    ) -> None:
        """End with failures on hosts, and with hosts that are down."""
        inventory = SimpleNamespace(get_groups_dict=lambda: {"waba_cluster_nodes": NODES if nodes is None else nodes})
        file = str(support_bundle.PLAYBOOKS / f"{playbook}.yml")
        self.callback.v2_playbook_on_start(SimpleNamespace(_file_name=file))
        manager = SimpleNamespace(_inventory=inventory)
        self.callback.v2_playbook_on_play_start(SimpleNamespace(get_variable_manager=lambda: manager))
        for host in hosts:
            result = SimpleNamespace(host=SimpleNamespace(get_name=lambda host=host: host), result={"msg": message})
            self.callback.v2_runner_on_failed(result)
        self.callback.v2_playbook_on_stats(
            SimpleNamespace(failures=dict.fromkeys(hosts, 1), dark=dict.fromkeys(down, 1))
        )


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(monkeypatch)


def test_the_bundle_of_failed_and_unreachable_nodes_is_collected_and_its_place_printed(run: Run) -> None:
    run.fail(hosts=("webapp1", "nfs1"), down=("db1",))
    (command,) = run.started
    assert command[:4] == [sys.executable, "-m", "ansible", "playbook"]
    assert Path(command[4]).name == "logs.yml"
    assert command[5:] == ["--limit", "db1,webapp1", "--inventory=/etc/waba"]
    assert run.printed[-1] == "Support bundle: /root/waba logs/waba-1.tar.gz"


@pytest.mark.parametrize(
    "case",
    [
        {"hosts": ()},
        {"hosts": ("nfs1",)},
        {"nodes": []},
        {"playbook": "status"},
        {"playbook": "logs"},
        {"playbook": "preflight"},
        {"message": "Nothing was touched: 3 to fix on 1 host(s), see the table above."},
        {"message": "Nothing was restored on db1: see the table above."},
    ],
    ids=str,
)
def test_a_run_without_anything_to_collect_starts_nothing(run: Run, case: dict[str, Any]) -> None:
    run.fail(**case)
    assert (run.started, run.printed) == ([], [])


def test_a_playbook_of_the_operator_with_a_common_name_is_not_read_only(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(support_bundle, "PLAYBOOKS", Path("/elsewhere"))
    run.callback.playbook = Path("/home/operator/status.yml")
    run.callback.inventory = SimpleNamespace(get_groups_dict=lambda: {"waba_cluster_nodes": NODES})
    assert run.callback.concerned(["db1"]) == ["db1"]


def test_a_check_collects_nothing(run: Run) -> None:
    run.options["check"] = True
    run.fail()
    assert run.started == []


def test_the_collection_itself_collects_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(support_bundle.MARK, "collecting")
    run.fail()
    assert run.started == []


def test_an_ignored_failure_is_none(run: Run) -> None:
    result = SimpleNamespace(host=SimpleNamespace(get_name=lambda: "db1"), result={"msg": "no"})
    run.callback.v2_runner_on_failed(result, ignore_errors=True)
    assert run.callback.messages == {}


def test_a_failed_collection_is_a_warning_with_its_last_lines(run: Run) -> None:
    run.answer = lambda: (4, "one\n" * 30 + "no route to host")
    run.fail()
    assert run.printed[-1].startswith("The support bundle was not collected. Run waba.cluster.logs by hand.\n")
    assert run.printed[-1].endswith("  no route to host")
    assert run.printed[-1].count("\n") == support_bundle.LAST_LINES


def test_an_error_of_the_callback_is_a_warning(run: Run) -> None:
    def fail() -> tuple[int, str]:
        raise OSError("no memory")

    run.answer = fail
    run.fail()
    assert run.printed[-1] == "The support bundle was not collected: no memory"


def test_the_options_of_the_failed_run_are_those_of_the_collection() -> None:
    given = {
        "inventory": ("a", "b"),
        "extra_vars": ("waba_dir=/srv/waba", "@more.yml"),
        "ssh_common_args": "-o ProxyJump=bastion",
        "forks": 10,
        "become": True,
        "vault_ids": [],
        "private_key_file": None,
    }
    assert support_bundle.command(["db1"], given)[7:] == [
        "--inventory=a",
        "--inventory=b",
        "--extra-vars=waba_dir=/srv/waba",
        "--extra-vars=@more.yml",
        "--forks=10",
        "--ssh-common-args=-o ProxyJump=bastion",
        "--become",
    ]


def test_a_collection_that_does_not_end_is_killed() -> None:
    began = time.monotonic()
    script = "import os, time; print(os.environ['WABA_SUPPORT_BUNDLE'], flush=True); time.sleep(60)"
    assert support_bundle.run([sys.executable, "-c", script], 0.5) == (1, "No answer within 0.5 s.")
    assert time.monotonic() - began < 30


def test_the_collection_is_marked_in_its_environment() -> None:
    script = "import os; print(os.environ['WABA_SUPPORT_BUNDLE'])"
    assert support_bundle.run([sys.executable, "-c", script], 30) == (0, "collecting\n")
    assert support_bundle.MARK not in os.environ
