# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill import promise as module
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.promise import lease_delay, promise
from hypothesis import given
from hypothesis import strategies as st

CONTROL = Path(__file__).parents[6] / "roles/images/files/node/src/waba_node/control"
INTERVALS = {"heartbeat": 5.0, "unhealthy": 30.0}


def row(host: str, role: str, gateway: str = "") -> dict[str, str]:
    return {"host": host, "role": role, "gateway": gateway, "container": f"{host}-{role}-{gateway}"}


DATABASE = row("db1", "mysql")
PRIMARY, SECONDARY, THIRD = (
    row("one", "primary_master"),
    row("two", "secondary_master"),
    row("four", "secondary_master"),
)
CONNECTED, STANDBY = row("one", "coreapp", "connected"), row("two", "coreapp", "disconnected")
NODES = [DATABASE, PRIMARY, SECONDARY, CONNECTED, STANDBY, row("one", "webapp"), row("two", "webapp")]


def promised(*lost: dict[str, str], nodes: list[dict[str, str]] | None = None, **options: Any) -> dict[str, Any]:
    return promise(lost, NODES if nodes is None else nodes, INTERVALS, **options)


def test_a_lost_coreapp_is_replaced_after_unhealthy_interval() -> None:
    found = promised(CONNECTED)
    assert (found["pause"], found["reads_pause"], found["takeovers"]) == (35.0, 0.0, {"coreapp": 35.0})
    assert (found["duration"], found["problems"]) == (50, [])


def test_a_lost_primary_master_interrupts_nothing() -> None:
    found = promised(PRIMARY)
    assert (found["pause"], found["reads_pause"], found["takeovers"]) == (0.0, 0.0, {"master": 20.0})


def test_a_lost_standby_or_secondary_interrupts_nothing() -> None:
    found = promised(SECONDARY, STANDBY)
    assert (found["pause"], found["takeovers"]) == (0.0, {})


def test_a_single_database_is_away_until_the_fault_ends() -> None:
    found = promised(DATABASE)
    assert (found["duration"], found["recovery"], found["takeovers"]) == (30, 60.0, {})
    assert found["pause"] == found["reads_pause"] == 90.0


def test_nothing_is_taken_over_while_the_only_database_is_lost_too() -> None:
    found = promised(DATABASE, PRIMARY, CONNECTED)
    assert (found["pause"], found["takeovers"]) == (90.0, {})


def test_the_database_monitor_decides_when_one_master_remains() -> None:
    found = promised(PRIMARY, CONNECTED)
    assert found["takeovers"] == {"master": 20.0, "coreapp": 145.0}
    assert (found["pause"], found["duration"]) == (145.0, 160)


def test_with_three_masters_the_heartbeat_monitor_decides() -> None:
    found = promised(PRIMARY, CONNECTED, nodes=[*NODES, THIRD])
    assert found["takeovers"] == {"master": 20.0, "coreapp": 55.0}


@pytest.mark.parametrize("remaining", [[SECONDARY], [STANDBY]])
def test_without_a_standby_or_a_master_messages_wait_for_the_end_of_the_fault(remaining: list[dict[str, str]]) -> None:
    found = promised(PRIMARY, CONNECTED, nodes=[DATABASE, PRIMARY, CONNECTED, *remaining])
    assert "coreapp" not in found["takeovers"]
    assert found["pause"] == found["duration"] + found["recovery"]


def test_the_other_members_replace_a_lost_writer() -> None:
    members = [row(host, "mysql") for host in ("db1", "db2", "db3")]
    found = promised(members[1], nodes=[*NODES[1:], *members], members=("db1", "db2", "db3"), writer="db2")
    assert (found["pause"], found["reads_pause"]) == (8.0, 8.0)


def test_two_lost_members_are_no_majority() -> None:
    members = [row(host, "mysql") for host in ("db1", "db2", "db3")]
    found = promised(*members[:2], nodes=[*NODES[1:], *members], members=("db1", "db2", "db3"), writer="db2")
    assert found["pause"] == found["duration"] + found["recovery"]


def test_a_fault_that_ends_before_the_takeover_is_refused() -> None:
    (problem,) = promised(CONNECTED, duration=20)["problems"]
    assert (problem["variable"], problem["value"], problem["fix"]) == (
        "waba_drill_duration",
        20,
        "Use 36 or more, or 0 to let the drill choose",
    )
    assert promised(CONNECTED, duration=36)["problems"] == []


def test_a_takeover_that_takes_too_long_is_refused() -> None:
    found = promise([CONNECTED], NODES, {"heartbeat": 5.0, "unhealthy": 3600.0})
    assert [problem["variable"] for problem in found["problems"]] == ["waba_drill_duration"]


NODE_LISTS = st.lists(
    st.sampled_from([DATABASE, PRIMARY, SECONDARY, THIRD, CONNECTED, STANDBY]), min_size=1, unique_by=id
)


@given(lost=NODE_LISTS, heartbeat=st.integers(1, 60), unhealthy=st.integers(2, 240), duration=st.integers(0, 900))
def test_every_figure_is_finite_and_a_takeover_ends_within_the_fault(
    lost: list[dict[str, str]], heartbeat: int, unhealthy: int, duration: int
) -> None:
    intervals = {"heartbeat": float(heartbeat), "unhealthy": float(max(unhealthy, 2 * heartbeat))}
    found = promise(lost, NODES, intervals, duration)
    figures = [found[name] for name in ("pause", "reads_pause", "duration", "recovery")]
    assert all(math.isfinite(figure) and figure >= 0 for figure in [*figures, *found["takeovers"].values()])
    assert found["duration"] == duration or duration == 0
    if not found["problems"]:
        assert all(seconds < found["duration"] for seconds in found["takeovers"].values())
    assert found["reads_pause"] <= found["pause"]


@given(heartbeat=st.integers(1, 60), unhealthy=st.integers(2, 240))
def test_losing_more_never_promises_a_shorter_pause(heartbeat: int, unhealthy: int) -> None:
    intervals = {"heartbeat": float(heartbeat), "unhealthy": float(max(unhealthy, 2 * heartbeat))}
    lists = [[SECONDARY], [SECONDARY, CONNECTED], [SECONDARY, CONNECTED, DATABASE]]
    first, second, _third = [promise(lost, NODES, intervals)["pause"] for lost in lists]
    assert first <= second


def node_module(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a pure module of the node, which is no part of the collection."""
    specification = importlib.util.spec_from_file_location(f"waba_node_{name}", CONTROL / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    loaded = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, specification.name, loaded)  # dataclasses find their module there
    specification.loader.exec_module(loaded)
    return loaded


def test_the_figures_are_those_of_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    lease, detector = (node_module(name, monkeypatch) for name in ("lease", "failure_detector"))
    assert detector.SILENT_IN_DATABASE == module.SILENT_IN_DATABASE
    for heartbeat, unhealthy in ((1, 2), (1, 3), (5, 30), (20, 30), (60, 240)):
        assert lease_delay(heartbeat, unhealthy) == lease.master_delay(heartbeat, unhealthy)


TWO_MEMBERS = [row(host, "mysql") for host in ("db1", "db2")]
VOTE = row("vote", "arbitrator")
OF_TWO: dict[str, Any] = {"members": ("db1", "db2"), "writer": "db2"}


def test_one_of_two_members_replaces_a_lost_writer_with_an_arbitrator() -> None:
    found = promised(TWO_MEMBERS[1], nodes=[*NODES[1:], *TWO_MEMBERS, VOTE], **OF_TWO)
    assert found["pause"] == 8.0


def test_a_lost_arbitrator_interrupts_nothing() -> None:
    assert promised(VOTE, nodes=[*NODES[1:], *TWO_MEMBERS, VOTE], **OF_TWO)["pause"] == 0.0


@pytest.mark.parametrize("nodes", [[*TWO_MEMBERS], [*TWO_MEMBERS, VOTE]])
def test_no_majority_of_two_members_remains_without_an_arbitrator(nodes: list[dict[str, str]]) -> None:
    found = promised(TWO_MEMBERS[1], *nodes[2:], nodes=[*NODES[1:], *nodes], **OF_TWO)
    assert found["pause"] == found["duration"] + found["recovery"]
    assert "no majority of the database members remains" in " ".join(found["reasons"])
