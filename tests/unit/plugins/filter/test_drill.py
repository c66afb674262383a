# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The filters of a drill, from the registered results of two hosts to the verdicts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.filter.drill_plan import drill_plan
from ansible_collections.waba.cluster.plugins.filter.drill_promise import drill_promise
from ansible_collections.waba.cluster.plugins.filter.drill_report import drill_report

REGISTERED = {"status": "observed", "health": "health", "members": "member"}
DATABASE: dict[str, Any] = {"hosts": ["one"], "members": []}
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


def service(name: str, role: str, container: str) -> dict[str, Any]:
    return {
        "service": name,
        "role": role,
        "container": container,
        "image": "waba/node:v1.0.0",
        "state": "running",
        "health": "healthy",
        "drift": [],
    }


def node(container: str, role: str, gateway: str = "disconnected") -> dict[str, str]:
    return {"name": "any", "container": container, "role": role, "gateway_status": gateway, "problem": ""}


NODES = [
    node("m1", "secondary_master"),
    node("m2", "primary_master"),
    node("c1", "coreapp", "connected"),
    node("c2", "coreapp"),
]
HEALTH = {"healthy": True, "summary": "", "reasons": [], "nodes": NODES}
HOSTS = {
    "one": [
        service("db", "mysql", "d1"),
        service("master1", "master", "m1"),
        service("wacore1", "coreapp", "c1"),
        service("waweb1", "webapp", "w1"),
    ],
    "two": [
        service("master2", "master", "m2"),
        service("wacore2", "coreapp", "c2"),
        service("waweb2", "webapp", "w2"),
    ],
}
VARIABLES = {
    host: {"observed": {"services": services, "files": {}, "error": ""}, "health": HEALTH}
    for host, services in HOSTS.items()
}


def planned(**settings: Any) -> dict[str, Any]:
    return drill_plan(VARIABLES, list(HOSTS), REGISTERED, {**SETTINGS, **settings}, DATABASE)


@pytest.mark.parametrize(
    ("settings", "lost", "traffic_host"),
    [
        ({"target": "coreapp"}, ["c1"], "two"),
        ({"target": "master"}, ["m2"], "one"),
        ({"target": "database"}, ["d1"], "two"),
        ({"target": "host", "host": "one"}, ["d1", "m1", "c1", "w1"], "two"),
    ],
)
def test_present_roles_decide_what_is_lost(settings: dict[str, Any], lost: list[str], traffic_host: str) -> None:
    plan = planned(**settings)
    assert plan["problems"] == []
    assert [row["container"] for row in plan["lost"]] == lost
    assert plan["traffic_host"] == traffic_host


def test_the_settings_of_the_cluster_decide_what_is_promised() -> None:
    found = drill_promise(planned(), {"heartbeat_interval": 1, "unhealthy_interval": 3}, 0)
    assert (found["pause"], found["duration"], found["problems"]) == (8.0, 23, [])


def test_the_report_can_be_rendered_and_names_services() -> None:
    plan = planned()
    promise = drill_promise(plan, {"heartbeat_interval": 1, "unhealthy_interval": 3}, 0)
    calls = [
        {
            "at": number / 5,
            "seconds": 0.05,
            "kind": "message",
            "outcome": "refused" if 25 <= number < 45 else "accepted",
            "error": "no owner" if 25 <= number < 45 else "",
            "recipient": 0,
        }
        for number in range(200)
    ]
    states = [
        {
            "at": float(at),
            "primary": "m2",
            "connected": ["c1"] if at < 6 else [] if at < 9 else ["c2"],
            "healthy": not 5 < at < 31,
            "reason": "",
        }
        for at in range(40)
    ]
    traffic = {"began": 1000.0, "calls": calls, "states": states}
    found = drill_report(traffic, {"began": 1005.0, "ended": 1028.0}, plan, promise)
    assert found["met"], found["rows"]
    assert found["errors"] == [{"count": 20, "error": "no owner"}]
    bands = {row["name"]: [band["text"] for band in row["bands"]] for row in found["figure"]["rows"]}
    assert bands["connected coreapp"] == ["wacore1", "none", "wacore2"]
    assert json.loads(json.dumps(found)) == found


def test_the_report_names_the_host_where_hosts_have_services_of_the_same_name() -> None:
    nodes = [
        {"container": "c1", "service": "wacore", "host": "one"},
        {"container": "c2", "service": "wacore", "host": "two"},
        {"container": "m1", "service": "master", "host": "one"},
    ]
    plan = {"nodes": nodes, "lost": nodes[:1], "host": "one", "traffic_host": "two", "interval": 0.2}
    promise = {"pause": 8.0, "reads_pause": 0.0, "takeovers": {"coreapp": 8.0}, "recovery": 33.0}
    states = [{"at": at, "primary": "m1", "connected": [f"c{at}"], "healthy": True} for at in (1, 2)]
    found = drill_report({"began": 0.0, "calls": [], "states": states}, {"began": 1.0, "ended": 2.0}, plan, promise)
    bands = {row["name"]: [band["text"] for band in row["bands"]] for row in found["figure"]["rows"]}
    assert bands["connected coreapp"] == ["wacore on one", "wacore on two"]
    assert bands["primary master"] == ["master"]
