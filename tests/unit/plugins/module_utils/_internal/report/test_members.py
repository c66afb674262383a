# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.members import (
    HEADINGS,
    member_problems,
    member_rows,
)


def member(**more: Any) -> dict[str, Any]:
    return {
        "running": True,
        "serving": True,
        "status": "Primary",
        "state": "Synced",
        "size": 3,
        "uuid": "u",
        "seqno": 12,
        "receive_queue": 0,
        "flow_control_paused": 0.0125,
        "writer": "db1",
        "is_writer": False,
        "version": "11.8.9",
        "clock_ahead": [-0.1, 0.1],
        **more,
    }


def test_a_serving_member_is_a_row_without_a_problem() -> None:
    results = {"db1": member(is_writer=True, size=2), "db2": member(size=2)}
    assert member_rows(results) == [
        ("db1", "writer", "Primary", "Synced", "2", "12", "0", "1.2 %", "+0.0 s", "11.8.9"),
        ("db2", "reader", "Primary", "Synced", "2", "12", "0", "1.2 %", "+0.0 s", "11.8.9"),
    ]
    assert member_problems(results) == []


def test_every_row_has_a_cell_for_each_heading() -> None:
    results = {"a": member(), "b": {"running": False}, "c": {"unreachable": True}, "d": {"running": True}}
    assert {len(row) for row in member_rows(results)} == {len(HEADINGS)}


def test_a_member_that_does_not_serve_is_a_problem_of_its_host() -> None:
    results = {
        "a": {"running": False},
        "b": {"unreachable": True, "msg": "no route"},
        "c": member(serving=False, state="Joiner"),
        "d": member(receive_queue=5000),
        "e": {"running": True, "serving": False},
    }
    problems = {one["host"]: one["problem"] for one in member_problems(results)}
    assert problems["a"] == "the member does not run"
    assert "no route" in problems["b"]
    assert problems["c"].endswith("Primary Joiner")
    assert "5000 changes" in problems["d"]
    assert problems["e"].endswith("it does not answer")


def test_members_that_disagree_are_a_problem_of_the_database() -> None:
    results = {"a": member(), "b": member(uuid="v"), "c": member(writer="db2")}
    assert [one["service"] for one in member_problems(results)] == ["(the database)", "(the database)"]


def test_a_clock_that_certainly_differs_is_a_cell_and_a_problem() -> None:
    results = {"a": member(), "b": member(clock_ahead=[0.9, 1.1]), "c": member(), "d": member(clock_ahead=None)}
    assert [row[HEADINGS.index("clock")] for row in member_rows(results)] == ["+0.0 s", "+0.8 s", "+0.0 s", ""]
    assert [(one["host"], one["problem"]) for one in member_problems(results)] == [
        ("b", "the clock of the host is 0.8 s ahead of c's")
    ]


def test_a_member_that_is_not_in_the_inventory_is_a_problem_of_the_database() -> None:
    results = {name: member(size=4) for name in ("a", "b", "c")}
    (problem,) = member_problems(results)
    assert (problem["service"], "there are 4 members" in problem["problem"]) == ("(the database)", True)
    assert member_problems({"a": member(size=3)}, whole=False) == []


VOTES = {"running": True, "joined": True}


def test_an_arbitrator_is_a_row_and_counts_as_a_member_of_the_group() -> None:
    results = {"a": member(is_writer=True), "b": member()}
    assert member_rows(results, {"v": VOTES})[2] == ("v", "arbitrator", "votes", *[""] * 7)
    assert member_problems(results, {"v": VOTES}) == []
    (problem,) = member_problems(results)
    assert "there are 3 members" in problem["problem"]


@pytest.mark.parametrize(
    ("result", "status", "problem"),
    [
        ({"running": False, "joined": False}, "stopped", "the arbitrator does not run"),
        ({"running": True, "joined": False}, "no vote", "do not count the vote"),
        ({"unreachable": True, "msg": "no route"}, "not known", "no route"),
    ],
)
def test_an_arbitrator_that_does_not_vote_is_a_problem(result: dict[str, Any], status: str, problem: str) -> None:
    members = {"a": member(size=2), "b": member(size=2)}
    assert member_rows(members, {"v": result})[2][2] == status
    (found,) = member_problems(members, {"v": result})
    assert (found["host"], found["service"]) == ("v", "db-arbitrator")
    assert problem in found["problem"]
