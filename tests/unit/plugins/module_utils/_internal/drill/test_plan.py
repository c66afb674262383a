# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.plan import (
    FAULTS,
    TARGETS,
    plan,
    setting_problems,
    settings_of,
)
from hypothesis import given
from hypothesis import strategies as st

SETTINGS: dict[str, Any] = {
    "target": "coreapp",
    "host": "",
    "fault": "kill",
    "duration": 0,
    "interval": 0.0,
    "recipient": "",
    "upstream": "loopback",
    "images": ["waba/node:v1.0.0"],
}


def row(host: str, service: str, role: str, gateway: str = "", state: str = "running healthy") -> dict[str, str]:
    container = f"{host}-{service}" if state else ""
    return {"host": host, "service": service, "role": role, "gateway": gateway, "state": state, "container": container}


NODES = [
    row("db1", "db", "mysql"),
    row("one", "master1", "secondary_master", "disconnected"),
    row("one", "wacore1", "coreapp", "connected"),
    row("one", "waweb1", "webapp"),
    row("two", "master2", "primary_master", "disconnected"),
    row("two", "wacore2", "coreapp", "disconnected"),
    row("two", "waweb2", "webapp"),
]


def planned(
    nodes: list[dict[str, str]] | None = None, webapps: tuple[str, ...] = ("one", "two"), **settings: Any
) -> dict:
    """Return the problems of the settings, or the plan."""
    known = {name: settings.pop(name) for name in ("members", "writer", "shards") if name in settings}
    refused = setting_problems({**SETTINGS, **settings})
    if refused:
        return {"problems": [problem._asdict() for problem in refused]}
    return plan({**SETTINGS, **settings}, NODES if nodes is None else nodes, webapps, **known)


def lost(drill: dict[str, Any]) -> list[str]:
    return [one["container"] for one in drill["lost"]]


def problems(**settings: Any) -> list[tuple[str, object]]:
    return [(one["variable"], one["value"]) for one in planned(**settings)["problems"]]


@pytest.mark.parametrize(
    ("target", "containers", "traffic_host"),
    [
        ("coreapp", ["one-wacore1"], "two"),
        ("master", ["two-master2"], "one"),
        ("database", ["db1-db"], "one"),
    ],
)
def test_target_is_chosen_by_its_present_role_and_measured_from_another_host(
    target: str, containers: list[str], traffic_host: str
) -> None:
    drill = planned(target=target)
    assert (drill["problems"], lost(drill), drill["traffic_host"]) == ([], containers, traffic_host)


def test_host_loses_every_running_container() -> None:
    nodes = [*NODES, row("two", "stopped", "coreapp", state="exited"), row("two", "db.env", "(file)", state="missing")]
    drill = planned(nodes, target="host", host="two")
    assert (drill["problems"], lost(drill)) == ([], ["two-master2", "two-wacore2", "two-waweb2"])
    assert (drill["host"], drill["traffic_host"], drill["title"]) == ("two", "one", "a host (two) is killed")


def test_a_single_machine_measures_its_own_webapp() -> None:
    nodes = [{**one, "host": "here"} for one in NODES]
    drill = planned(nodes, webapps=("here",))
    assert (drill["problems"], drill["traffic_host"]) == ([], "here")


def test_a_host_with_the_only_webapp_is_refused() -> None:
    assert [one["variable"] for one in planned(webapps=("two",), target="host", host="two")["problems"]] == [
        "waba_drill_target"
    ]


def test_one_of_several_connected_coreapps_can_be_named_by_its_host() -> None:
    nodes = [{**one, "gateway": "connected"} if one["role"] == "coreapp" else one for one in NODES]
    assert lost(planned(nodes)) == ["one-wacore1"]
    assert lost(planned(nodes, host="two")) == ["two-wacore2"]


@pytest.mark.parametrize(
    ("settings", "refused"),
    [
        ({"target": "webapp"}, ("waba_drill_target", "webapp")),
        ({"fault": "burn"}, ("waba_drill_fault", "burn")),
        ({"target": "host"}, ("waba_drill_host", "")),
        ({"target": "host", "host": "three"}, ("waba_drill_host", "three")),
        ({"host": "two"}, ("waba_drill_host", "two")),
        ({"target": "master", "host": "one"}, ("waba_drill_host", "one")),
        ({"duration": 4}, ("waba_drill_duration", 4)),
        ({"duration": 901}, ("waba_drill_duration", 901)),
        ({"duration": -1}, ("waba_drill_duration", -1)),
        ({"interval": 0.05}, ("waba_drill_interval", 0.05)),
        ({"interval": 61.0}, ("waba_drill_interval", 61.0)),
        ({"recipient": "+49 1"}, ("waba_drill_recipient", "+49 1")),
        ({"upstream": "cloud"}, ("waba_drill_recipient", "")),
        ({"images": ["docker.whatsapp.biz/coreapp:v2.43"]}, ("waba_drill_recipient", "")),
        ({"upstream": "cloud", "recipient": "491511234567", "interval": 1.0}, ("waba_drill_interval", 1.0)),
    ],
)
def test_bad_setting_is_refused_by_name(settings: dict[str, Any], refused: tuple[str, object]) -> None:
    assert problems(**settings) == [refused]


def test_every_bad_setting_is_refused_at_once() -> None:
    refused = problems(target="x", fault="y", duration=1, interval=-1.0, recipient="z")
    assert [name for name, _value in refused] == [
        f"waba_drill_{name}" for name in ("target", "fault", "duration", "recipient", "interval")
    ]


@pytest.mark.parametrize(
    ("target", "without"), [("coreapp", "coreapp"), ("master", "primary_master"), ("database", "mysql")]
)
def test_target_that_does_not_run_is_refused(target: str, without: str) -> None:
    nodes = [one for one in NODES if one["role"] != without]
    assert [one["variable"] for one in planned(nodes, target=target)["problems"]] == ["waba_drill_target"]


def test_only_the_database_member_that_writes_is_lost() -> None:
    nodes = [*NODES, row("db2", "db", "mysql"), row("db3", "db", "mysql")]
    drill = planned(nodes, target="database", members=("db1", "db2", "db3"), writer="db2")
    assert (drill["problems"], lost(drill)) == ([], ["db2-db"])


def test_a_database_member_cannot_be_cut_off_because_it_has_the_network_of_its_host() -> None:
    nodes = [*NODES, row("db2", "db", "mysql"), row("db3", "db", "mysql")]
    drill = planned(nodes, target="database", fault="isolate", members=("db1", "db2", "db3"), writer="db2")
    assert [(one["variable"], one["value"]) for one in drill["problems"]] == [("waba_drill_fault", "isolate")]


def test_a_host_with_an_arbitrator_loses_it_and_is_not_cut_off() -> None:
    nodes = [*NODES, row("two", "db-arbitrator", "arbitrator")]
    assert "two-db-arbitrator" in lost(planned(nodes, target="host", host="two"))
    drill = planned(nodes, target="host", host="two", fault="isolate", members=("db1", "db2"))
    assert [(one["variable"], one["value"]) for one in drill["problems"]] == [("waba_drill_fault", "isolate")]


def test_the_cloud_gets_few_messages_and_only_to_the_named_number() -> None:
    drill = planned(upstream="cloud", recipient="491511234567")
    assert (drill["problems"], drill["recipients"], drill["interval"]) == ([], ["491511234567"], 6.0)


def test_a_stand_in_gets_messages_to_a_number_without_a_subscriber() -> None:
    for upstream in ("loopback", "ws://standin:8080"):
        drill = planned(upstream=upstream)
        assert (drill["recipients"], drill["interval"]) == (["12025550100"], 0.2)


@pytest.mark.parametrize(("shards", "interval"), [(1, 0.2), (2, 0.2), (32, 1.6)])
def test_every_shard_gets_messages_at_a_bounded_rate(shards: int, interval: float) -> None:
    drill = planned(shards=shards)
    assert (len(set(drill["recipients"])), drill["interval"]) == (shards, pytest.approx(interval))


@given(
    target=st.sampled_from([*TARGETS, "all"]),
    fault=st.sampled_from([*FAULTS, "x"]),
    host=st.sampled_from(["", "one", "two", "db1", "three"]),
    duration=st.integers(-10, 1000),
    interval=st.floats(-1, 100),
    roles=st.lists(st.sampled_from(["mysql", "primary_master", "secondary_master", "coreapp", "webapp"]), max_size=8),
    webapps=st.lists(st.sampled_from(["one", "two"]), unique=True),
)
def test_a_plan_without_problems_leaves_a_webapp_to_measure(
    target: str, fault: str, host: str, duration: int, interval: float, roles: list[str], webapps: list[str]
) -> None:
    nodes = [
        row(("one", "two")[number % 2], f"s{number}", role, "connected" if role == "coreapp" else "")
        for number, role in enumerate(roles)
    ]
    settings = {"target": target, "fault": fault, "host": host, "duration": duration, "interval": interval}
    drill = planned(nodes, tuple(webapps), **settings)
    if setting_problems({**SETTINGS, **settings}):
        assert set(drill) == {"problems"}
    elif not drill["problems"]:
        assert drill["lost"]
        assert {one["host"] for one in drill["lost"]} == {drill["host"]}
        assert drill["traffic_host"] in webapps
        assert target != "host" or drill["traffic_host"] != drill["host"]


def test_without_a_target_nothing_is_refused() -> None:
    assert setting_problems({**SETTINGS, "target": "", "fault": "x", "duration": 1}) == []


@pytest.mark.parametrize(
    ("environment", "upstream"),
    [({}, "loopback"), (None, "loopback"), ({"WABA_UPSTREAM": "ws://standin:8080"}, "ws://standin:8080")],
)
def test_the_upstream_is_that_of_the_nodes(environment: dict[str, str] | None, upstream: str) -> None:
    variables = {f"waba_drill_{name}": value for name, value in SETTINGS.items()}
    variables |= {"waba_environment": environment, "waba_upstream": "loopback"}
    assert settings_of(variables, SETTINGS["images"]) == {**SETTINGS, "upstream": upstream}
