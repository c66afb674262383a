# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.rollout.departure import departure_problems

HAS = {
    "db1": ["mysql"],
    "one": ["master", "coreapp", "webapp"],
    "two": ["master", "coreapp", "webapp"],
    "three": ["coreapp"],
}
DOWN = {"unreachable": True, "msg": "Task failed: no route to host"}
FACTS = {"database": ["db1"], "share": [], "shards": 1, "lost": False, "names": {host: f"{host}.test" for host in HAS}}


def reports(**changes):
    found = {
        host: {"services": [{"role": role, "state": "running", "health": "healthy"} for role in roles]}
        for host, roles in HAS.items()
    }
    return {**found, **changes}


def node(host, problem=""):
    return {"name": f"{host}.test", "container": "c", "role": "coreapp", "problem": problem}


ANSWERS = {"one": {"nodes": [node("one")]}, "two": {"nodes": [node("one"), node("three", "no answer")]}}


def wrong(leaving, found=None, answers=None, **facts):
    problems = departure_problems(leaving, found or reports(), answers or ANSWERS, {**FACTS, **facts})
    return [(problem.value, problem.problem) for problem in problems]


def left(hosts, count, role, least=1):
    return hosts, f"without it {count} {role}(s) that work would be left, and {least} must be"


@pytest.mark.parametrize("leaving", [["three"], ["one"], ["two", "three"]])
def test_hosts_may_leave_while_enough_is_left(leaving):
    assert wrong(leaving) == []


def test_too_few_of_any_role_are_refused_all_at_once():
    assert wrong(["one", "two"]) == [
        left("one, two", 0, "master"),
        left("one, two", 0, "webapp"),
        ("one, two", "no webapp that stays answers, so nobody can tell whether the cluster is well without it"),
    ]
    assert wrong(["three"], shards=2) == []
    assert wrong(["three"], shards=4) == [left("three", 2, "coreapp", 4)]


def test_only_what_works_counts():
    still = {"services": [{"role": role, "state": "exited", "health": ""} for role in HAS["two"]]}
    assert left("one", 0, "master") in wrong(["one"], reports(two=still))
    assert left("one", 0, "webapp") in wrong(["one"], reports(two=DOWN))


def test_nobody_and_strangers_are_refused():
    assert wrong([]) == [("", "it names no host")]
    assert wrong(["one", "four"]) == [("four", "the cluster has no such host")]


def test_who_runs_the_database_or_serves_the_share_stays():
    assert wrong(["db1"]) == [("db1", "it runs the cluster's database")]
    assert wrong(["three"], share=["three"]) == [("three", "it serves the share for media")]


def test_a_host_that_is_down_must_be_said_to_be_lost_and_one_that_is_said_so_must_be_down():
    gone = reports(three=DOWN)
    assert wrong(["three"], gone) == [("three", "it cannot hand over: it cannot be reached: no route to host")]
    assert wrong(["three"], gone, lost=True) == []
    assert wrong(["three"], lost=True) == [(True, "three answers, so it can hand over")]
    alive = {"two": {"nodes": [node("three")]}}
    assert wrong(["three"], gone, alive, lost=True) == [
        (True, "its coreapp (c) answers the cluster, so three is not gone")
    ]


def test_a_cluster_that_nobody_can_ask_is_left_alone():
    (problem,) = wrong(["three"], answers={"one": {"nodes": []}})
    assert problem[1].startswith("no webapp that stays answers")
