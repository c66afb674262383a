"""A coreapp's right to be connected: no answer, however late or out of order, grants more than its request."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from waba_node.control.lease import DRIFT, takeover_delay
from waba_node.control.ownership import Grant, Ownership, fencing_window

INTERVALS = st.tuples(st.integers(1, 1800), st.integers(2, 3600)).filter(lambda pair: pair[1] >= 2 * pair[0])
MOMENTS = st.floats(0, 1000)
RENEWALS = st.lists(st.tuples(st.integers(1, 4), MOMENTS, st.floats(0.1, 30)), max_size=8)


@given(INTERVALS)
def test_the_takeover_delay_is_longer_than_the_window_by_any_honest_clock(intervals: tuple[int, int]) -> None:
    window = fencing_window(intervals[1])
    assert takeover_delay(window) > window * (1 + DRIFT)


@given(INTERVALS)
def test_the_takeover_delay_is_within_the_unhealthy_interval(intervals: tuple[int, int]) -> None:
    assert takeover_delay(fencing_window(intervals[1])) <= intervals[1]


@given(RENEWALS, MOMENTS)
def test_the_right_ends_one_window_after_a_granted_renewal_was_sent(
    renewals: list[tuple[int, float, float]], now: float
) -> None:
    ownership = Ownership()
    for epoch, sent_at, window in renewals:
        ownership.renewed(Grant(0, epoch), sent_at, window)
    if ownership.may_be_connected(now):
        assert any(Grant(0, epoch) == ownership.grant and now < sent_at + window for epoch, sent_at, window in renewals)


@given(RENEWALS)
def test_the_epoch_never_decreases(renewals: list[tuple[int, float, float]]) -> None:
    ownership, epochs = Ownership(), []
    for epoch, sent_at, window in renewals:
        ownership.renewed(Grant(0, epoch), sent_at, window)
        assert ownership.grant is not None
        epochs.append(ownership.grant.epoch)
    assert epochs == sorted(epochs)


@given(MOMENTS, MOMENTS, st.floats(0.1, 30))
def test_a_late_answer_to_an_earlier_request_changes_nothing(first: float, second: float, window: float) -> None:
    assume(first < second)
    ownership = Ownership()
    ownership.renewed(Grant(0, 1), second, window)
    deadline = ownership.deadline()
    ownership.renewed(Grant(0, 1), first, window)
    assert ownership.deadline() == deadline


@given(RENEWALS, st.floats(0.1, 30))
def test_every_request_stores_a_delay_that_covers_the_right_in_use(
    renewals: list[tuple[int, float, float]], lowered: float
) -> None:
    """Otherwise a lowered interval would shorten the wait of observers before the owner knows that its request was granted."""
    ownership, numbers = Ownership(), []
    for epoch, sent_at, window in renewals:
        ownership.renewed(Grant(0, epoch), sent_at, window)
        numbers.append(ownership.next_renewal())
    assert ownership.requested_delay(lowered) >= takeover_delay(ownership.window)
    assert ownership.requested_delay(lowered) >= takeover_delay(lowered)
    assert numbers == sorted(set(numbers)), "no number is used twice"


def test_a_refusal_ends_only_the_grant_that_it_names() -> None:
    ownership = Ownership()
    ownership.renewed(Grant(0, 2), 10, 2)
    ownership.refused(Grant(0, 1))
    assert ownership.may_be_connected(11)
    ownership.refused(Grant(0, 2))
    assert not ownership.may_be_connected(11)


def test_a_draining_coreapp_may_not_be_connected() -> None:
    ownership = Ownership()
    ownership.renewed(Grant(0, 1), 10, 2)
    ownership.draining = True
    assert not ownership.may_be_connected(10.5)


def test_several_renewals_fit_into_a_window() -> None:
    ownership = Ownership()
    ownership.renewed(Grant(0, 1), 10, 2)
    assert not ownership.renewal_due(10.1)
    assert ownership.renewal_due(10.3)
