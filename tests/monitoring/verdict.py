"""The verdict on the alerts of a soak with one failover: an alert may fire only while the failover is reported as well."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class Span:
    """A time during which an alert was pending or firing. start, end: of its first and last sample, in seconds."""

    alert: str
    state: str
    labels: dict[str, str]
    start: float
    end: float


@dataclass(frozen=True)
class Failover:
    """The failover of the soak. moment: of the kill, in seconds. owner: the coreapp that must own the shard afterwards."""

    moment: float
    owner: str

    def is_reported_by(self, span: Span) -> bool:
        return (
            (span.alert, span.state) == ("WabaShardFailover", "firing")
            and span.labels.get("owner") == self.owner
            and span.start >= self.moment
        )


def spans(series: Iterable[dict[str, Any]], step: float) -> list[Span]:
    """Return the spans of ALERTS in order of time. series: the result of a range query with this step, in seconds."""
    found = []
    for one in series:
        labels = {name: value for name, value in one["metric"].items() if name != "__name__"}
        alert, state = labels.pop("alertname"), labels.pop("alertstate")
        moments = [float(moment) for moment, _value in one["values"]]
        start = 0
        for index, following in enumerate([*moments[1:], math.inf]):
            if following - moments[index] > 1.5 * step:
                found.append(Span(alert, state, labels, moments[start], moments[index]))
                start = index + 1
    return sorted(found, key=lambda span: (span.start, span.alert))


def problem_of(span: Span, history: list[Span], failover: Failover) -> str:
    """Return why a span fails the soak, "" if it does not."""
    if span.state == "pending" or failover.is_reported_by(span):
        return ""
    if span.start < failover.moment:
        return "fires before the failover"
    reports = [one for one in history if failover.is_reported_by(one)]
    if any(one.start <= span.start and span.end <= one.end for one in reports):
        return ""
    return "fires while no alert reports the failover"


def problems(history: list[Span], failover: Failover) -> list[str]:
    """Return why the soak fails, [] if it does not. A problem that occurs several times is listed once."""
    found = [f"{span.alert} {problem}" for span in history if (problem := problem_of(span, history, failover))]
    if not any(failover.is_reported_by(span) for span in history):
        found.append(f"no alert reports the failover to {failover.owner}")
    return list(dict.fromkeys(found))


def not_judged(rules: Iterable[dict[str, Any]], seconds: float) -> list[str]:
    """Return the alerts, each with its `for`, whose condition cannot hold long enough to fire within some seconds."""
    waits = [(rule["alert"], rule["for"]) for rule in rules if "alert" in rule and "for" in rule]
    return [f"{alert} ({wait})" for alert, wait in waits if int(wait[:-1]) * UNITS[wait[-1]] >= seconds]
