# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.evaluation import MESSAGE, READ, Fault
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.figure import (
    BARS,
    MARGIN,
    MOST_BARS,
    MOST_MARKS,
    figure,
)
from hypothesis import given
from hypothesis import strategies as st

FAULT = Fault(10.0, 40.0)
NAMES = {"a": "wacore1", "b": "wacore2", "m": "master1"}


def call(at: float, outcome: str = "accepted", kind: str = MESSAGE) -> dict[str, Any]:
    return {"at": at, "seconds": 0.1, "kind": kind, "outcome": outcome}


def state(at: float, connected: list[str], healthy: bool = True, primary: str = "m") -> dict[str, Any]:
    return {"at": at, "primary": primary, "connected": connected, "healthy": healthy}


def drawn(calls: list[dict[str, Any]], states: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
    return figure(calls, states, options.get("fault", FAULT), options.get("pauses", []), NAMES)


def test_each_second_has_a_bar_of_accepted_and_one_of_refused_messages_above_it() -> None:
    bars = drawn([call(0.1), call(0.2), call(0.3, "refused"), call(5.0), call(6.0, kind=READ)], [])["bars"]
    assert [(one["kind"], one["text"]) for one in bars] == [
        ("accepted", "-10 s: 2 accepted"),
        ("refused", "-10 s: 1 refused"),
        ("accepted", "-5 s: 1 accepted"),
    ]
    assert bars[1]["y"] == MARGIN
    assert bars[1]["y"] + bars[1]["height"] == bars[0]["y"]
    assert bars[0]["y"] + bars[0]["height"] == MARGIN + BARS


def test_equal_readings_are_one_band_with_the_names_of_the_services() -> None:
    states = [state(0, ["a"]), state(5, ["a"]), state(12, [], healthy=False, primary=""), state(30, ["b", "a"])]
    rows = {row["name"]: row["bands"] for row in drawn([call(50.0)], states)["rows"]}
    assert [(band["kind"], band["text"]) for band in rows["connected coreapp"]] == [
        ("some", "wacore1"),
        ("none", "none"),
        ("some", "wacore1, wacore2"),
    ]
    assert [band["text"] for band in rows["primary master"]] == ["master1", "none", "master1"]
    assert [band["kind"] for band in rows["health"]] == ["good", "bad", "good"]


def test_the_axis_counts_from_the_beginning_of_the_fault() -> None:
    marks = drawn([call(55.0)], [])["marks"]
    assert [mark["text"] for mark in marks][:4] == ["-10 s", "-5 s", "fault", "+5 s"]


def test_a_pause_without_an_end_reaches_the_end_of_the_axis() -> None:
    found = drawn([call(55.0)], [], pauses=[{"begin": 20.0, "end": None}])
    (pause,) = found["pauses"]
    assert pause["x"] + pause["width"] == found["right"]


def test_a_drill_without_measurements_has_a_figure() -> None:
    found = drawn([], [])
    assert (found["bars"], [row["bands"] for row in found["rows"]]) == ([], [[], [], []])


MOMENTS = st.floats(0, 2000)


@given(
    st.lists(st.tuples(MOMENTS, st.sampled_from(["accepted", "refused"])), max_size=60),
    st.lists(st.tuples(MOMENTS, st.lists(st.sampled_from("abx"), unique=True), st.booleans()), max_size=20),
    st.tuples(MOMENTS, MOMENTS),
)
def test_everything_is_drawn_within_the_figure(calls: list, states: list, ends: tuple[float, float]) -> None:
    fault = Fault(min(ends), max(ends))
    readings = [state(*one) for one in sorted(states)]
    found = drawn([call(*one) for one in calls], readings, fault=fault)
    boxes = [found["fault"], *found["bars"], *(band for row in found["rows"] for band in row["bands"])]
    for box in boxes:
        assert found["left"] <= box["x"]
        assert box["x"] + box["width"] <= found["right"] + 0.2
        assert box["width"] >= -0.1
        assert box["y"] >= MARGIN - 0.1
        assert box["y"] + box["height"] <= found["height"]
    assert len(found["bars"]) <= 2 * (MOST_BARS + 1)
    assert len(found["marks"]) <= MOST_MARKS + 1
    for row in found["rows"]:
        assert all(one["x"] <= after["x"] for one, after in zip(row["bands"], row["bands"][1:]))
