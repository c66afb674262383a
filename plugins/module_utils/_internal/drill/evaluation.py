# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the measurements of a drill mean: pauses, refused calls, takeovers, recovery, each compared with the promise. Pure.

All moments are seconds since the beginning of the test traffic.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils._internal import clocks

MESSAGE, READ = "message", "read"
ACCEPTED = "accepted"
MET, MISSED = "met", "missed"
NO_PAUSE = 0.5  # seconds between two accepted messages that a busy machine causes
NO_PAUSE_PROMISED = 2.0  # seconds within which a message is accepted where no pause is promised
HEADINGS = ("measurement", "measured", "promised", "verdict")
TAKEOVERS = {"coreapp": "another coreapp is connected", "master": "another master is primary"}

Call = Mapping[str, Any]
State = Mapping[str, Any]


class Pause(NamedTuple):
    """A time without an accepted message to a recipient. end: None if no message was accepted until the end of the measurement."""

    begin: float
    end: float | None


class Fault(NamedTuple):
    """When the fault began, and when it was undone."""

    begin: float
    end: float


def place_fault(
    fault: Mapping[str, float], traffic: float, readings: Mapping[str, Sequence[float]], host: str, traffic_host: str
) -> Fault:
    """Return the fault on the time axis of the traffic.

    fault: {"began", "ended"}, by the clock of `host`. traffic: the beginning of the traffic, by the clock of `traffic_host`. readings: as for
    `clocks.offsets`; what they are certain of is corrected.
    """
    _middle, offsets = clocks.offsets(readings)
    shift = traffic - offsets.get(traffic_host, 0.0) + offsets.get(host, 0.0)
    return Fault(fault["began"] - shift, fault["ended"] - shift)


def pauses(calls: Sequence[Call], interval: float) -> list[Pause]:
    """Return the times in which a recipient got no accepted message, in order.

    calls: {"at", "seconds", "kind", "outcome", "recipient"}, each of which is accepted at `at` + `seconds`. interval: seconds between two messages to the
    same recipient. Recipients are in different shards, so one of them can be without service while others have it.
    """
    messages = [call for call in calls if call["kind"] == MESSAGE]
    recipients = {call["recipient"] for call in messages}
    return sorted(
        (
            pause
            for recipient in recipients
            for pause in _pauses_of([call for call in messages if call["recipient"] == recipient], interval)
        ),
        key=lambda pause: pause.begin,
    )


def _pauses_of(calls: Sequence[Call], interval: float) -> list[Pause]:
    moments = sorted(_accepted_at(call) for call in calls if call["outcome"] == ACCEPTED)
    shortest = max(NO_PAUSE, 2.5 * interval)
    found = [Pause(before, after) for before, after in zip(moments, moments[1:]) if after - before > shortest]
    last = max((call["at"] for call in calls), default=0.0)
    begin = moments[-1] if moments else 0.0
    return [*found, *([Pause(begin, None)] if last - begin > shortest else [])]


def evaluate(
    calls: Sequence[Call],
    states: Sequence[State],
    fault: Fault,
    promise: Mapping[str, Any],
    lost: Collection[str],
    *,
    interval: float,
    shards: int = 1,
) -> dict[str, Any]:
    """Return {"rows", "pauses", "met"} of a drill.

    calls, interval: as for `pauses`. states: {"at", "primary", "connected", "healthy"} of readings of the cluster's health, in order, with the ids of
    containers. promise: as from `promise.promise`. lost: the ids of the containers that the fault affected. shards: their number.

    `rows`: one for each measurement, with HEADINGS as keys. `pauses`: those that ended after the beginning of the fault. `met`: whether no promise was
    missed.
    """
    found = [pause for pause in pauses(calls, interval) if pause.end is None or pause.end > fault.begin]
    rows = [
        _pause_row(found, calls, promise["pause"], interval),
        _refusal_row("messages refused or not answered", MESSAGE, calls, fault, promise["pause"]),
        _refusal_row("other calls refused or not answered", READ, calls, fault, promise["reads_pause"]),
        *_takeover_rows(states, fault, promise["takeovers"], lost, shards),
        _recovery_row(states, fault, promise["recovery"]),
    ]
    return {
        "rows": rows,
        "pauses": [pause._asdict() for pause in found],
        "met": all(row["verdict"] == MET for row in rows),
    }


def _accepted_at(call: Call) -> float:
    return float(call["at"] + call["seconds"])


def _row(measurement: str, measured: str, promised: str, *, met: bool) -> dict[str, str]:
    return dict(zip(HEADINGS, (measurement, measured, promised, MET if met else MISSED)))


def _pause_row(found: Sequence[Pause], calls: Sequence[Call], promised: float, interval: float) -> dict[str, str]:
    name = "longest time without an accepted message"
    at_most = promised + interval if promised else max(NO_PAUSE_PROMISED, 2.5 * interval)
    text = f"at most {at_most:.1f} s"
    if any(pause.end is None for pause in found) or not calls:
        return _row(name, "until the end of the measurement", text, met=False)
    longest = max((pause.end - pause.begin for pause in found if pause.end is not None), default=0.0)
    return _row(name, f"{longest:.1f} s" if found else "no pause", text, met=longest <= at_most)


def _refusal_row(name: str, kind: str, calls: Sequence[Call], fault: Fault, promised: float) -> dict[str, str]:
    sent = [call for call in calls if call["kind"] == kind and _accepted_at(call) > fault.begin]
    refused = [call for call in sent if call["outcome"] != ACCEPTED]
    late = [call for call in refused if call["at"] > fault.begin + promised]
    wrong = late if promised else refused
    text = f"none later than {promised:.1f} s after the fault" if promised else "none"
    outside = f", {len(late)} of them later" if promised and late else ""
    return _row(name, f"{len(refused)} of {len(sent)}{outside}", text, met=not wrong)


def _takeover_rows(
    states: Sequence[State], fault: Fault, takeovers: Mapping[str, float], lost: Collection[str], shards: int
) -> Iterator[dict[str, str]]:
    for role, promised in takeovers.items():
        moment = next(
            (state["at"] for state in states if state["at"] > fault.begin and _is_replaced(role, state, lost, shards)),
            None,
        )
        measured = "not observed" if moment is None else f"after {moment - fault.begin:.1f} s"
        met = moment is not None and moment - fault.begin <= promised and moment <= fault.end
        yield _row(TAKEOVERS[role], measured, f"after at most {promised:.1f} s", met=met)


def _is_replaced(role: str, state: State, lost: Collection[str], shards: int) -> bool:
    """Return whether nodes that the fault did not affect do the work of the lost ones."""
    if role == "master":
        return bool(state["primary"]) and state["primary"] not in lost
    return len(set(state["connected"]) - set(lost)) >= shards


def _recovery_row(states: Sequence[State], fault: Fault, promised: float) -> dict[str, str]:
    moment = next((state["at"] for state in states if state["at"] > fault.end and state["healthy"]), None)
    measured = "not observed" if moment is None else f"after {moment - fault.end:.1f} s"
    met = moment is not None and moment - fault.end <= promised
    return _row("healthy again after the end of the fault", measured, f"after at most {promised:.1f} s", met=met)
