# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.report.status import lines_of, status

DOWN = {"unreachable": True, "msg": "Task failed: no route to host"}
NAMES = {"one": "one.test", "two": "two.test"}


def report(*services, files=None, error=""):
    return {"services": list(services), "files": files or {}, "error": error}


def service(name, role, container, *drift):
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


def node(name, container, role, gateway="disconnected", problem=""):
    return {"name": name, "container": container, "role": role, "gateway_status": gateway, "problem": problem}


def answer(*nodes, reasons=()):
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


def problems(state):
    return [tuple(one.values()) for one in state["problems"]]


def test_a_healthy_cluster_has_a_row_a_service_and_no_problem():
    state = status(REPORTS, {"one": answer(MASTER, CORE)}, NAMES, True)
    assert (state["healthy"], state["drifted"], state["problems"]) == (True, False, [])
    assert [(row["service"], row["role"], row["gateway"], row["version"]) for row in state["nodes"]] == [
        ("master", "primary_master", "disconnected", "1.0.0"),
        ("waweb", "webapp", "", "1.0.0"),
        ("wacore", "coreapp", "connected", "1.0.0"),
    ]
    assert lines_of(state)[-2:] == ["Healthy.", "Lags: 4 messages wait."]


def test_a_host_that_is_down_is_a_row_and_its_nodes_are_no_strangers():
    gone = node("two.test", "c1", "coreapp", problem="no answer")
    state = status(
        {**REPORTS, "two": DOWN}, {"one": answer(MASTER, gone, reasons=["two.test: no answer"])}, NAMES, True
    )
    assert problems(state) == [
        ("two", "", "it cannot be reached: no route to host"),
        ("", "(the cluster)", "two.test: no answer"),
    ]
    assert [row["state"] for row in state["nodes"] if row["host"] == "two"] == ["DOWN"]


def test_drift_and_ill_nodes_are_told_once():
    ill = node("two.test", "c1", "coreapp", problem="no answer")
    reports = {
        "one": report(service("master", "master", "m1"), files={"db.env": "it is not there"}),
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
        ("one", "db.env", "it is not there"),
        ("two", "wacore", "it is exited; no answer"),
        ("", "(the cluster)", "0 coreapps connected, not 1"),
    ]


def test_a_registered_node_that_no_host_has_is_a_stranger_unless_only_some_hosts_were_asked():
    answers = {"one": answer(MASTER, CORE, node("old.test", "x1", "coreapp"))}
    assert ("old.test", "", "it is registered, and no host of the inventory has its container") in problems(
        status(REPORTS, answers, NAMES, True)
    )
    assert problems(status(REPORTS, answers, NAMES, False)) == []


def test_another_webapp_is_believed_when_the_first_does_not_answer():
    silent = {"healthy": False, "summary": "Not healthy: nobody answers.", "reasons": ["nobody answers"], "nodes": []}
    reports = {"zero": report(service("waweb", "webapp", "w0")), **REPORTS}
    state = status(reports, {"zero": silent, "one": answer(MASTER, CORE)}, NAMES, True)
    assert (state["healthy"], problems(state)) == (True, [("zero", "(the API)", "nobody answers")])


def test_with_every_webapp_down_that_is_said_and_the_rest_is_known():
    silent = {"healthy": False, "summary": "Not healthy: nobody answers.", "reasons": ["nobody answers"], "nodes": []}
    for answers in ({"one": silent}, {"one": DOWN}):
        state = status(REPORTS, answers, NAMES, True)
        assert (state["healthy"], state["lags"]) == (False, {})
        assert state["problems"][-1]["problem"].startswith("No webapp answers")
        assert len([row for row in state["nodes"] if row["version"]]) == 3


def test_an_engine_that_does_not_answer_is_a_problem_of_the_host():
    state = status({"one": report(error="No Docker engine answers")}, {}, NAMES, True)
    assert (state["healthy"], state["drifted"], problems(state)[0]) == (
        None,
        True,
        ("one", "", "No Docker engine answers"),
    )


def test_when_nobody_was_asked_that_is_wrong_and_how_to_mend_it_is_told():
    state = status(REPORTS, {}, NAMES, True)
    assert (state["healthy"], state["drifted"], state["summary"]) == (
        None,
        False,
        "No webapp was asked how the cluster is.",
    )
    ((_host, _service, problem),) = problems(state)
    assert problem.startswith(state["summary"])
    assert "Bring waba_secrets.yml here" in problem


def test_some_hosts_without_a_webapp_need_not_tell_how_the_cluster_is():
    state = status(REPORTS, {}, NAMES, False)
    assert (state["healthy"], problems(state)) == (None, [])


def test_some_hosts_tell_of_the_whole_cluster_what_their_webapp_says():
    one = {"one": REPORTS["one"]}
    well = status(one, {"one": answer(MASTER, CORE)}, NAMES, False)
    assert (well["healthy"], well["summary"], problems(well)) == (True, "Healthy.", [])
    ill = status(one, {"one": answer(MASTER, reasons=["0 coreapps connected, not 1"])}, NAMES, False)
    assert (ill["healthy"], ill["drifted"], ill["summary"]) == (False, False, "Not healthy.")
    assert problems(ill) == [("", "(the cluster)", "0 coreapps connected, not 1")]


def test_a_webapp_of_some_hosts_that_is_silent_speaks_for_no_other():
    silent = {"healthy": False, "summary": "Not healthy: nobody answers.", "reasons": ["nobody answers"], "nodes": []}
    state = status({"one": REPORTS["one"]}, {"one": silent}, NAMES, False)
    assert (state["healthy"], problems(state)) == (None, [("one", "(the API)", "nobody answers")])
    assert state["summary"].startswith("No webapp of these hosts answers")
