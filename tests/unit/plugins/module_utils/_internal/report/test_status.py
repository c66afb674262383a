# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.report.status import status, status_lines

DOWN = {"unreachable": True, "msg": "Task failed: no route to host"}
NAMES = {"one": "one.test", "two": "two.test"}


def report(*services: dict[str, Any], files: dict[str, str] | None = None, error: str = "") -> dict[str, Any]:
    return {"services": list(services), "files": files or {}, "error": error}


def service(name: str, role: str, container: str, *drift: str) -> dict[str, Any]:
    image = "waba/node:v1.0.0"
    return {
        "service": name,
        "role": role,
        "container": container,
        "image": image,
        "state": "running",
        "health": "healthy",
        "drift": list(drift),
    }


def node(name: str, container: str, role: str, gateway: str = "disconnected", problem: str = "") -> dict[str, str]:
    return {"name": name, "container": container, "role": role, "gateway_status": gateway, "problem": problem}


def answer(*nodes: dict[str, str], reasons: Iterable[str] = ()) -> dict[str, Any]:
    summary = "Not healthy." if reasons else "Healthy."
    return {
        "healthy": not reasons,
        "summary": summary,
        "reasons": list(reasons),
        "nodes": list(nodes),
        "lags": {"messages": 4},
    }


MASTER = node("one.test", "m1", "primary_master")
CORE = node("two.test", "c1", "coreapp", "connected")
REPORTS = {
    "one": report(service("master", "master", "m1"), service("waweb", "webapp", "w1")),
    "two": report(service("wacore", "coreapp", "c1")),
}


def problems(state: dict[str, Any]) -> list[tuple[str, ...]]:
    return [tuple(one.values()) for one in state["problems"]]


def test_a_healthy_cluster_has_a_row_for_each_service_and_no_problem() -> None:
    state = status(REPORTS, {"one": answer(MASTER, CORE)}, NAMES, True)
    assert (state["healthy"], state["drifted"], state["problems"]) == (True, False, [])
    assert [(row["service"], row["role"], row["gateway"], row["version"]) for row in state["nodes"]] == [
        ("master", "primary_master", "disconnected", "1.0.0"),
        ("waweb", "webapp", "", "1.0.0"),
        ("wacore", "coreapp", "connected", "1.0.0"),
    ]
    assert status_lines(state)[-2:] == ["Healthy.", "Lags: 4 messages pending."]


def test_backups_have_a_row_and_an_old_one_is_a_problem_but_no_drift() -> None:
    good = {"state": "last good backup 3 h ago", "problem": ""}
    old = {"state": "last good backup 3 d ago", "problem": "the last good backup is 3 d old"}
    for found, expected in ((good, []), (old, [("one", "(scheduled backups)", old["problem"])])):
        reports = {**REPORTS, "one": {**REPORTS["one"], "backups": found}}
        state = status(reports, {"one": answer(MASTER, CORE)}, NAMES, True)
        assert (state["drifted"], problems(state)) == (False, expected)
        (row,) = (row for row in state["nodes"] if row["service"] == "(scheduled backups)")
        assert row["state"] == found["state"]


def test_a_schedule_that_differs_from_the_settings_is_drift() -> None:
    change = ["schedule of backups", "apply", "it differs from the settings"]
    reports = {**REPORTS, "one": {**REPORTS["one"], "backup": {"change": change, "diff": {}}}}
    state = status(reports, {"one": answer(MASTER, CORE)}, NAMES, True)
    assert state["drifted"]
    assert problems(state) == [("one", "schedule of backups", "it differs from the settings")]


def test_an_unreachable_host_has_a_row_and_its_nodes_are_not_unknown() -> None:
    gone = node("two.test", "c1", "coreapp", problem="no answer")
    state = status(
        {**REPORTS, "two": DOWN}, {"one": answer(MASTER, gone, reasons=["two.test: no answer"])}, NAMES, True
    )
    assert problems(state) == [
        ("two", "", "it cannot be reached: no route to host"),
        ("", "(the cluster)", "two.test: no answer"),
    ]
    assert [row["state"] for row in state["nodes"] if row["host"] == "two"] == ["DOWN"]


def test_drift_and_problems_of_nodes_are_reported_once() -> None:
    ill = node("two.test", "c1", "coreapp", problem="no answer")
    reports = {
        "one": report(service("master", "master", "m1"), files={"db.env": "it is missing"}),
        "two": report(service("wacore", "coreapp", "c1", "it is exited")),
    }
    state = status(
        reports,
        {"one": answer(MASTER, ill, reasons=["two.test: no answer", "0 coreapps connected, not 1"])},
        NAMES,
        True,
    )
    assert (state["healthy"], state["drifted"]) == (False, True)
    assert problems(state) == [
        ("one", "db.env", "it is missing"),
        ("two", "wacore", "it is exited; no answer"),
        ("", "(the cluster)", "0 coreapps connected, not 1"),
    ]


def test_a_registered_node_without_a_host_is_reported_if_all_hosts_were_asked() -> None:
    answers = {"one": answer(MASTER, CORE, node("old.test", "x1", "coreapp"))}
    assert ("old.test", "", "it is registered, and no host of the inventory has its container") in problems(
        status(REPORTS, answers, NAMES, True)
    )
    assert problems(status(REPORTS, answers, NAMES, False)) == []


def test_the_answer_of_another_webapp_counts_if_the_first_does_not_answer() -> None:
    silent = {"healthy": False, "summary": "Not healthy: no answer.", "reasons": ["no answer"], "nodes": []}
    reports = {"zero": report(service("waweb", "webapp", "w0")), **REPORTS}
    state = status(reports, {"zero": silent, "one": answer(MASTER, CORE)}, NAMES, True)
    assert (state["healthy"], problems(state)) == (True, [("zero", "(the API)", "no answer")])


def test_services_are_reported_without_an_answering_webapp() -> None:
    silent = {"healthy": False, "summary": "Not healthy: no answer.", "reasons": ["no answer"], "nodes": []}
    for answers in ({"one": silent}, {"one": DOWN}):
        state = status(REPORTS, answers, NAMES, True)
        assert (state["healthy"], state["lags"]) == (False, {})
        assert state["problems"][-1]["problem"].startswith("No webapp answers")
        assert len([row for row in state["nodes"] if row["version"]]) == 3


def test_an_engine_that_does_not_answer_is_a_problem_of_the_host() -> None:
    state = status({"one": report(error="No Docker engine answers")}, {}, NAMES, True)
    assert (state["healthy"], state["drifted"], problems(state)[0]) == (
        None,
        True,
        ("one", "", "No Docker engine answers"),
    )


def test_a_missing_key_is_a_problem_with_its_fix() -> None:
    state = status(REPORTS, {}, NAMES, True)
    assert (state["healthy"], state["drifted"], state["summary"]) == (
        None,
        False,
        "No webapp was asked for the health of the cluster.",
    )
    ((_host, _service, problem),) = problems(state)
    assert problem.startswith(state["summary"])
    assert "Bring waba_secrets.yml here" in problem


def test_hosts_without_a_webapp_have_no_health_under_limit() -> None:
    state = status(REPORTS, {}, NAMES, False)
    assert (state["healthy"], problems(state)) == (None, [])


def test_the_webapp_of_some_hosts_reports_the_health_of_the_whole_cluster() -> None:
    one = {"one": REPORTS["one"]}
    well = status(one, {"one": answer(MASTER, CORE)}, NAMES, False)
    assert (well["healthy"], well["summary"], problems(well)) == (True, "Healthy.", [])
    ill = status(one, {"one": answer(MASTER, reasons=["0 coreapps connected, not 1"])}, NAMES, False)
    assert (ill["healthy"], ill["drifted"], ill["summary"]) == (False, False, "Not healthy.")
    assert problems(ill) == [("", "(the cluster)", "0 coreapps connected, not 1")]


def test_a_silent_webapp_under_limit_does_not_make_the_cluster_unhealthy() -> None:
    silent = {"healthy": False, "summary": "Not healthy: no answer.", "reasons": ["no answer"], "nodes": []}
    state = status({"one": REPORTS["one"]}, {"one": silent}, NAMES, False)
    assert (state["healthy"], problems(state)) == (None, [("one", "(the API)", "no answer")])
    assert state["summary"].startswith("No webapp of these hosts answers")


def test_the_upstream_has_a_row_with_the_reason_of_the_coreapp() -> None:
    dead = node("two.test", "c1", "coreapp", "disconnected", "the token is refused (190)")
    state_of = {"uncertain": 2.0, "waiting": 0.0, "set_aside": 0.0}
    answers = {
        "one": {**answer(MASTER, dead, reasons=["two.test: the token is refused (190)"]), "upstream": state_of},
        "two": {"reasons": [], "nodes": [], "upstream": {**state_of, "webhook_age": 7320.0}},
    }
    state = status(REPORTS, answers, NAMES, True)
    row = state["nodes"][-1]
    assert (row["host"], row["service"], row["gateway"]) == ("(upstream)", "Cloud API", "not connected")
    assert row["state"] == "last webhook 2 h ago, 2 messages of unknown outcome"
    assert row["problem"] == "the token is refused (190)"
    assert state["upstream"] == {**state_of, "webhook_age": 7320.0}
    assert [one for one in problems(state) if "refused" in one[2]] == [("two", "wacore", "the token is refused (190)")]


def test_a_cluster_with_another_upstream_has_no_row_for_it() -> None:
    state = status(REPORTS, {"one": answer(MASTER, CORE)}, NAMES, True)
    assert state["upstream"] == {}
    assert not [row for row in state["nodes"] if row["host"] == "(upstream)"]


def with_proxies(*holders: str) -> dict[str, Any]:
    proxies = {
        host: {
            **report(service("api-proxy", "api_proxy", f"{host}p"), service("api-address", "api_address", f"{host}a")),
            "holds_address": host in holders,
        }
        for host in ("p1", "p2")
    }
    return {**REPORTS, **proxies}


def test_rows_name_the_holder_of_the_virtual_address() -> None:
    state = status(with_proxies("p2"), {"one": answer(MASTER, CORE)}, NAMES, True)
    assert [row["role"] for row in state["nodes"] if row["host"].startswith("p")] == [
        "api_proxy",
        "address_standby",
        "api_proxy",
        "address_holder",
    ]
    assert (state["problems"], state["drifted"]) == ([], False)


def test_virtual_address_without_a_holder_or_with_two_is_a_problem() -> None:
    unheld = status(with_proxies(), {"one": answer(MASTER, CORE)}, NAMES, True)
    assert problems(unheld) == [("", "(the virtual address)", "no host holds it")]
    two = status(with_proxies("p1", "p2"), {"one": answer(MASTER, CORE)}, NAMES, True)
    assert problems(two)[0][2] == "p1 and p2 hold it: VRRP packets do not pass between them"


def test_host_that_is_down_may_hold_the_virtual_address() -> None:
    reports = {**with_proxies(), "p1": DOWN}
    found = problems(status(reports, {"one": answer(MASTER, CORE)}, NAMES, True))
    assert not any(row[1] == "(the virtual address)" for row in found)
