"""The verdict on the alerts of a soak."""

from __future__ import annotations

from typing import Any

import pytest
from support import rules
from verdict import Failover, Span, not_judged, problems, spans

KILL = 1000.0
FAILOVER = Failover(KILL, "h:coreapp2")


def fired(alert: str, start: float, end: float, state: str = "firing", **labels: str) -> Span:
    return Span(alert, state, labels, start, end)


REPORT = fired("WabaShardFailover", 1035, 1640, owner="h:coreapp2", shard="0")


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        pytest.param([REPORT], [], id="the failover alone"),
        pytest.param([REPORT, fired("WabaNodeDown", 1121, 1365)], [], id="a consequence"),
        pytest.param([REPORT, fired("WabaApiErrors", 10, 900, "pending")], [], id="pending"),
        pytest.param([], ["no alert reports the failover to h:coreapp2"], id="nothing"),
        pytest.param(
            [fired("WabaShardFailover", 1035, 1640, owner="h:coreapp1")],
            [
                "WabaShardFailover fires while no alert reports the failover",
                "no alert reports the failover to h:coreapp2",
            ],
            id="another owner",
        ),
        pytest.param(
            [fired("WabaShardFailover", 1035, 1640, "pending", owner="h:coreapp2")],
            ["no alert reports the failover to h:coreapp2"],
            id="a report that is pending",
        ),
        pytest.param(
            [fired("WabaDiskFull", 500, 600), REPORT], ["WabaDiskFull fires before the failover"], id="before"
        ),
        pytest.param(
            [fired("WabaNodeDown", 999, 1200), REPORT],
            ["WabaNodeDown fires before the failover"],
            id="before, and until afterwards",
        ),
        pytest.param(
            [fired("WabaShardFailover", 500, 1100, owner="h:coreapp2"), REPORT],
            ["WabaShardFailover fires before the failover"],
            id="an earlier failover to the same owner",
        ),
        pytest.param(
            [fired("WabaCoreappsConnected", 1034, 1040), REPORT],
            ["WabaCoreappsConnected fires while no alert reports the failover"],
            id="before the report",
        ),
        pytest.param(
            [REPORT, fired("WabaNodeDown", 1121, 1641)],
            ["WabaNodeDown fires while no alert reports the failover"],
            id="longer than the report",
        ),
        pytest.param(
            [REPORT, fired("WabaMasterFailover", 2000, 2600, holder="h:master2")],
            ["WabaMasterFailover fires while no alert reports the failover"],
            id="a second failover",
        ),
    ],
)
def test_soak_fails_for_alerts_that_the_failover_does_not_explain(history: list[Span], expected: list[str]) -> None:
    assert problems(history, FAILOVER) == expected


def series(state: str, *moments: float) -> dict[str, Any]:
    metric = {"__name__": "ALERTS", "alertname": "WabaNodeDown", "alertstate": state, "node": "h:coreapp1"}
    return {"metric": metric, "values": [[moment, "1"] for moment in moments]}


def test_gap_of_a_series_separates_two_spans() -> None:
    node = {"node": "h:coreapp1"}
    assert spans([series("firing", 5, 6, 9), series("pending", 3, 4)], 1) == [
        Span("WabaNodeDown", "pending", node, 3, 4),
        Span("WabaNodeDown", "firing", node, 5, 6),
        Span("WabaNodeDown", "firing", node, 9, 9),
    ]


def test_alerts_that_cannot_fire_in_time_are_not_judged() -> None:
    some = [{"record": "waba:observed"}, {"alert": "A"}, {"alert": "B", "for": "90s"}, {"alert": "C", "for": "2m"}]
    assert not_judged(some, 120) == ["C (2m)"]
    assert not_judged(rules(), 1800) == []
