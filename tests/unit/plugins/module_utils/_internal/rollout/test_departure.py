# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.rollout.departure import departure_problems

HAS = {
    "db1": ["mysql"],
    "one": ["master", "coreapp", "webapp"],
    "two": ["master", "coreapp", "webapp"],
    "three": ["coreapp"],
}
DOWN = {"unreachable": True, "msg": "Task failed: no route to host"}
FACTS = {"database": ["db1"], "share": [], "shards": 1, "lost": False, "names": {host: f"{host}.test" for host in HAS}}


def reports(**changes: Any) -> dict[str, Any]:
    found = {
        host: {"services": [{"role": role, "state": "running", "health": "healthy"} for role in roles]}
        for host, roles in HAS.items()
    }
    return {**found, **changes}


def node(host: str, problem: str = "") -> dict[str, str]:
    return {"name": f"{host}.test", "container": "c", "role": "coreapp", "problem": problem}


ANSWERS = {"one": {"nodes": [node("one")]}, "two": {"nodes": [node("one"), node("three", "no answer")]}}


def found_problems(
    leaving: list[str], found: Any = None, answers: Any = None, **facts: Any
) -> list[tuple[object, str]]:
    problems = departure_problems(leaving, found or reports(), answers or ANSWERS, {**FACTS, **facts})
    return [(problem.value, problem.problem) for problem in problems]


def too_few(hosts: str, count: int, role: str, required: int = 1) -> tuple[str, str]:
    return hosts, f"without it {count} working {role}(s) would remain, and {required} must"


@pytest.mark.parametrize("leaving", [["three"], ["one"], ["two", "three"]])
def test_hosts_may_leave_if_enough_nodes_remain(leaving: list[str]) -> None:
    assert found_problems(leaving) == []


def test_too_few_remaining_nodes_of_any_role_are_refused_together() -> None:
    assert found_problems(["one", "two"]) == [
        too_few("one, two", 0, "master"),
        too_few("one, two", 0, "webapp"),
        ("one, two", "no remaining webapp answers, so the health of the cluster without it is unknown"),
    ]
    assert found_problems(["three"], shards=2) == []
    assert found_problems(["three"], shards=4) == [too_few("three", 2, "coreapp", 4)]


def test_only_working_nodes_count() -> None:
    still = {"services": [{"role": role, "state": "exited", "health": ""} for role in HAS["two"]]}
    assert too_few("one", 0, "master") in found_problems(["one"], reports(two=still))
    assert too_few("one", 0, "webapp") in found_problems(["one"], reports(two=DOWN))


def test_no_host_and_unknown_hosts_are_refused() -> None:
    assert found_problems([]) == [("", "it names no host")]
    assert found_problems(["one", "four"]) == [("four", "the cluster has no such host")]


def test_hosts_of_the_database_or_the_share_cannot_leave() -> None:
    assert found_problems(["db1"]) == [("db1", "it runs the cluster's database")]
    assert found_problems(["three"], share=["three"]) == [("three", "it serves the share for media")]


def test_waba_remove_lost_is_required_for_unreachable_hosts_and_refused_for_others() -> None:
    gone = reports(three=DOWN)
    assert found_problems(["three"], gone) == [("three", "it cannot hand over: it cannot be reached: no route to host")]
    assert found_problems(["three"], gone, lost=True) == []
    assert found_problems(["three"], lost=True) == [(True, "three answers, so it can hand over")]
    alive = {"two": {"nodes": [node("three")]}}
    assert found_problems(["three"], gone, alive, lost=True) == [
        (True, "its coreapp (c) answers the cluster, so three is not lost")
    ]


def test_a_cluster_without_an_answering_webapp_is_not_changed() -> None:
    (problem,) = found_problems(["three"], answers={"one": {"nodes": []}})
    assert problem[1].startswith("no remaining webapp answers")


def test_the_arbitrator_of_the_database_cannot_leave() -> None:
    assert ("three", "it is the arbitrator of the cluster's database") in found_problems(["three"], arbitrator="three")
