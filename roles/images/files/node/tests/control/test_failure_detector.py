"""The failure detector of one master."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from waba_node.control.failure_detector import FailureDetector, Process, ready, unhealthy

HEARTBEAT, UNHEALTHY = 5.0, 30.0
A, RESTARTED, B = Process("core1:a", "one"), Process("core1:a", "two"), Process("core2:b", "one")


def test_a_new_process_is_called_at_once_and_then_every_interval() -> None:
    detector = FailureDetector()
    detector.watch([A], 100.0)
    assert detector.due(100.0, HEARTBEAT) == [A]
    assert detector.due(104.9, HEARTBEAT) == []
    detector.watch([A, B], 104.9)
    assert detector.due(104.9, HEARTBEAT) == [B]
    assert detector.due(105.0, HEARTBEAT) == [A]


def test_a_shorter_interval_takes_effect_at_once() -> None:
    detector = FailureDetector()
    detector.watch([A], 0.0)
    detector.due(0.0, 60.0)
    assert detector.due(5.0, 5.0) == [A]


def test_a_process_that_never_answered_counts_as_unanswered_since_it_is_watched_and_is_not_ready() -> None:
    detector = FailureDetector()
    detector.watch([A], 100.0)
    (coreapp,) = detector.observe({A: 1.0}, [], 100.5).values()
    assert (coreapp.unanswered, coreapp.answers) == (0.5, False)
    assert not ready(coreapp, HEARTBEAT, UNHEALTHY)
    assert not unhealthy(coreapp, UNHEALTHY)


def test_a_restarted_coreapp_inherits_no_answer() -> None:
    detector = FailureDetector()
    detector.watch([A], 0.0)
    detector.answered(A, 10.0)
    detector.watch([RESTARTED], 20.0)
    detector.answered(A, 21.0)  # a late answer of its former process
    (coreapp,) = detector.observe({RESTARTED: 0.0}, [{A: 99.0}], 25.0).values()
    assert (coreapp.incarnation, coreapp.unanswered, coreapp.answers) == ("two", 5.0, False)
    assert coreapp.unanswered_peers == (0.0,)


def test_a_coreapp_is_unhealthy_when_the_primary_and_one_peer_get_no_answer() -> None:
    detector = FailureDetector()
    detector.watch([A, B], 0.0)
    detector.answered(B, 29.0)
    peers = [{A: 2.0, B: 30.0}, {A: 30.0, B: 1.0}]
    coreapps = detector.observe({A: 1.0, B: 1.0}, peers, 30.0)
    assert {name for name, coreapp in coreapps.items() if unhealthy(coreapp, UNHEALTHY)} == {A.node}
    assert {name for name, coreapp in coreapps.items() if ready(coreapp, HEARTBEAT, UNHEALTHY)} == {B.node}


def test_a_coreapp_that_does_not_report_to_the_database_is_unhealthy_though_it_answers() -> None:
    detector = FailureDetector()
    detector.watch([A], 0.0)
    detector.answered(A, 10.0)
    (coreapp,) = detector.observe({A: 120.1}, [], 10.0).values()
    assert unhealthy(coreapp, UNHEALTHY)


@given(st.lists(st.integers(0, 80), min_size=1, max_size=20))
def test_a_process_is_called_once_per_interval(pauses: list[int]) -> None:
    """pauses: in eighths of a second, which floats represent exactly."""
    detector, now, calls = FailureDetector(), 0.0, []
    for pause in pauses:
        now += pause / 8
        detector.watch([A], now)
        calls += [now] * len(detector.due(now, HEARTBEAT))
    assert all(later - earlier >= HEARTBEAT for earlier, later in zip(calls, calls[1:], strict=False))
    assert now - calls[-1] < HEARTBEAT


@dataclass
class History:
    """What happened to one process."""

    watched_at: float
    answers: list[float] = field(default_factory=list)


class Histories(RuleBasedStateMachine):
    """Compares the detector with the whole history of each process."""

    def __init__(self) -> None:
        super().__init__()
        self.detector, self.now = FailureDetector(), 0.0
        self.histories: dict[Process, History] = {}

    @rule(seconds=st.floats(0, 40))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(processes=st.lists(st.sampled_from([A, RESTARTED, B]), unique=True))
    def nodes_are_read(self, processes: list[Process]) -> None:
        self.detector.watch(processes, self.now)
        self.histories = {process: self.histories.get(process, History(self.now)) for process in processes}

    @rule(process=st.sampled_from([A, RESTARTED, B]))
    def a_process_answers(self, process: Process) -> None:
        self.detector.answered(process, self.now)
        if process in self.histories:
            self.histories[process].answers.append(self.now)

    @invariant()
    def the_last_answer_counts(self) -> None:
        expected = {
            process: self.now - max([history.watched_at, *history.answers])
            for process, history in self.histories.items()
        }
        assert self.detector.unanswered(self.now) == expected
        for process, history in self.histories.items():
            (coreapp,) = self.detector.observe({process: 0.0}, [], self.now).values()
            assert coreapp.answers == bool(history.answers)


TestHistories = Histories.TestCase
