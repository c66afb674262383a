# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.evaluation import (
    MESSAGE,
    READ,
    Fault,
    Pause,
    evaluate,
    pauses,
    place_fault,
)
from hypothesis import given
from hypothesis import strategies as st

INTERVAL = 0.2
FAULT = Fault(10.0, 60.0)
PROMISE = {"pause": 35.0, "reads_pause": 0.0, "takeovers": {"coreapp": 35.0}, "recovery": 60.0}
OLD, NEW, MASTER = "c-old", "c-new", "m-one"


def call(
    at: float, outcome: str = "accepted", kind: str = MESSAGE, seconds: float = 0.05, recipient: int = 0
) -> dict[str, Any]:
    return {"at": at, "seconds": seconds, "kind": kind, "outcome": outcome, "error": "", "recipient": recipient}


def messages(
    until: float, refused: tuple[float, float] = (0.0, 0.0), kind: str = MESSAGE, step: float = INTERVAL
) -> list:
    """Return calls until a moment, refused within a period."""
    moments = [number * step for number in range(int(until / step))]
    return [call(at, "refused" if refused[0] <= at < refused[1] else "accepted", kind) for at in moments]


def state(at: float, connected: list[str], healthy: bool = True, primary: str = MASTER) -> dict[str, Any]:
    return {"at": at, "primary": primary, "connected": connected, "healthy": healthy}


STATES = [state(5, [OLD]), state(20, [], healthy=False), state(42, [NEW], healthy=False), state(70, [NEW])]
CALLS = [*messages(90, (10.0, 41.0)), *messages(90, kind=READ, step=1.0)]


def verdicts(calls: list | None = None, states: list | None = None, **changes: Any) -> dict[str, str]:
    promise = {**PROMISE, **changes}
    calls, states = CALLS if calls is None else calls, STATES if states is None else states
    found = evaluate(calls, states, FAULT, promise, [OLD], interval=INTERVAL)
    assert found["met"] == all(row["verdict"] == "met" for row in found["rows"])
    return {row["measurement"].split()[0]: f"{row['verdict']}: {row['measured']}" for row in found["rows"]}


def test_a_failover_within_the_promise_meets_every_row() -> None:
    assert verdicts() == {
        "longest": "met: 31.2 s",
        "messages": "met: 155 of 400",
        "other": "met: 0 of 80",
        "another": "met: after 32.0 s",
        "healthy": "met: after 10.0 s",
    }


def test_a_longer_pause_a_late_refusal_and_a_late_takeover_are_missed() -> None:
    calls = [*messages(90, (10.0, 50.0)), *messages(90, kind=READ, step=1.0)]
    found = verdicts(calls, [state(51, [NEW], healthy=False), state(70, [NEW])])
    assert found["longest"] == "missed: 40.2 s"
    assert found["messages"] == "missed: 200 of 400, 24 of them later"
    assert found["another"] == "missed: after 41.0 s"


def test_messages_that_are_never_accepted_again_are_missed() -> None:
    assert verdicts(messages(90, (10.0, 90.0)))["longest"] == "missed: until the end of the measurement"


def test_no_measurement_at_all_meets_nothing() -> None:
    found = evaluate([], [], FAULT, PROMISE, [OLD], interval=INTERVAL)
    assert not found["met"]


def test_one_refusal_is_missed_where_no_pause_is_promised() -> None:
    calls = [*messages(90), call(30.1, "unanswered"), call(30.2, "refused", READ)]
    found = verdicts(calls, pause=0.0, takeovers={})
    assert (found["messages"], found["other"]) == ("missed: 1 of 401", "missed: 1 of 1")
    assert found["longest"] == "met: no pause"


def test_refusals_before_the_fault_do_not_count() -> None:
    calls = [*messages(90, (2.0, 4.0)), *messages(90, kind=READ, step=1.0)]
    assert verdicts(calls, pause=0.0)["messages"] == "met: 0 of 400"


@pytest.mark.parametrize("connected", [[], [OLD]])
def test_the_lost_coreapp_is_no_takeover(connected: list[str]) -> None:
    assert verdicts(states=[state(20, connected), state(70, connected)])["another"] == "missed: not observed"


def test_a_takeover_after_the_end_of_the_fault_is_no_takeover() -> None:
    assert verdicts(states=[state(61, [NEW])], takeovers={"coreapp": 100.0})["another"] == "missed: after 51.0 s"


def test_every_shard_needs_another_coreapp() -> None:
    states = [state(20, ["a"]), state(30, ["a", "b"])]
    found = evaluate(CALLS, states, FAULT, PROMISE, [OLD], interval=INTERVAL, shards=2)
    assert found["rows"][3]["measured"] == "after 20.0 s"


def test_another_master_is_primary() -> None:
    promise = {**PROMISE, "takeovers": {"master": 20.0}}
    states = [state(11, [OLD], primary=MASTER), state(18, [OLD], primary=""), state(25, [OLD], primary="m-two")]
    found = evaluate(CALLS, states, FAULT, promise, [MASTER], interval=INTERVAL)
    assert (found["rows"][3]["measured"], found["rows"][3]["verdict"]) == ("after 15.0 s", "met")


def test_health_before_the_end_of_the_fault_is_no_recovery() -> None:
    assert verdicts(states=[state(59, [NEW])])["healthy"] == "missed: not observed"


def test_slow_calls_that_overlap_make_no_pause() -> None:
    calls = [call(number * INTERVAL, seconds=5.0) for number in range(100)]
    assert pauses(calls, INTERVAL) == []


def test_a_pause_lasts_from_one_accepted_message_to_the_next() -> None:
    calls = [call(0.0), call(0.2), call(1.0, "refused"), call(3.0), call(3.2)]
    assert pauses(calls, INTERVAL) == [Pause(0.25, 3.05)]


def test_a_recipient_without_service_has_a_pause_while_others_are_served() -> None:
    served = messages(20)
    calls = [call(at, "refused" if 5 <= at < 15 else "accepted", recipient=1) for at in (one["at"] for one in served)]
    (pause,) = pauses([*served, *calls], INTERVAL)
    assert (pause.begin, pause.end) == (pytest.approx(4.85), pytest.approx(15.05))


@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.floats(0, 10), st.sampled_from(["accepted", "refused", "unanswered"])),
        max_size=40,
    ),
    st.sampled_from([0.2, 1.0, 6.0]),
)
def test_no_message_is_accepted_within_a_pause(entries: list[tuple[float, float, str]], interval: float) -> None:
    calls = [call(at, outcome, seconds=seconds) for at, seconds, outcome in entries]
    accepted = [one["at"] + one["seconds"] for one in calls if one["outcome"] == "accepted"]
    found = pauses(calls, interval)
    for pause in found:
        end = float("inf") if pause.end is None else pause.end
        assert end - pause.begin > interval
        assert not any(pause.begin < moment < end for moment in accepted)
    assert [pause.begin for pause in found] == sorted(pause.begin for pause in found)
    assert all(pause.end is not None for pause in found[:-1])


def test_the_fault_is_placed_by_the_clocks_of_both_hosts() -> None:
    lasted = {"began": 1020.0, "ended": 1050.0}
    assert place_fault(lasted, 1000.0, {}, "one", "two") == Fault(20.0, 50.0)
    # The clock of the host one is certainly 4 s ahead of the median.
    readings = {"one": (5.0, 6.0), "two": (0.0, 1.0), "three": (0.0, 1.0)}
    assert place_fault(lasted, 1000.0, readings, "one", "two") == Fault(16.0, 46.0)
    assert place_fault(lasted, 1000.0, readings, "two", "one") == Fault(24.0, 54.0)
