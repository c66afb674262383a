"""A coreapp's right to be connected: no answer, however late or out of order, gives more than its request could prove."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from waba_node.control.ownership import DRIFT, Grant, Ownership, recorded_window, window

INTERVALS = st.tuples(st.integers(1, 1800), st.integers(2, 3600)).filter(lambda pair: pair[1] >= 2 * pair[0])
MOMENTS = st.floats(0, 1000)
PROOFS = st.lists(st.tuples(st.integers(1, 4), MOMENTS, st.floats(0.1, 30)), max_size=8)


@given(INTERVALS)
def test_the_database_waits_longer_than_any_honest_clock(intervals):
    unhealthy_interval = intervals[1]
    assert recorded_window(unhealthy_interval) > window(unhealthy_interval) * (1 + DRIFT)


@given(INTERVALS)
def test_fencing_never_makes_a_failover_slower_than_the_rule(intervals):
    assert recorded_window(intervals[1]) <= intervals[1]


@given(PROOFS, MOMENTS)
def test_the_right_ends_a_window_after_the_send_of_a_proof_that_arrived(proofs, now):
    ownership = Ownership()
    for epoch, sent_at, seconds in proofs:
        ownership.proven(Grant(0, epoch), sent_at, seconds)
    if ownership.may_be_connected(now):
        assert any(Grant(0, epoch) == ownership.grant and now < sent_at + seconds for epoch, sent_at, seconds in proofs)


@given(PROOFS)
def test_the_epoch_never_goes_back(proofs):
    ownership, epochs = Ownership(), []
    for epoch, sent_at, seconds in proofs:
        ownership.proven(Grant(0, epoch), sent_at, seconds)
        epochs.append(ownership.grant.epoch)
    assert epochs == sorted(epochs)


@given(MOMENTS, MOMENTS, st.floats(0.1, 30))
def test_a_late_answer_to_an_earlier_request_changes_nothing(first, second, seconds):
    assume(first < second)
    ownership = Ownership()
    ownership.proven(Grant(0, 1), second, seconds)
    deadline = ownership.deadline()
    ownership.proven(Grant(0, 1), first, seconds)
    assert ownership.deadline() == deadline


def test_a_refusal_counts_for_the_grant_it_speaks_of():
    ownership = Ownership()
    ownership.proven(Grant(0, 2), 10, 2)
    ownership.refused(Grant(0, 1))
    assert ownership.may_be_connected(11)
    ownership.refused(Grant(0, 2))
    assert not ownership.may_be_connected(11)


def test_who_hands_over_is_not_connected_any_more():
    ownership = Ownership()
    ownership.proven(Grant(0, 1), 10, 2)
    ownership.draining = True
    assert not ownership.may_be_connected(10.5)


def test_several_proofs_fit_into_a_window():
    ownership = Ownership()
    ownership.proven(Grant(0, 1), 10, 2)
    assert not ownership.proof_due(10.1)
    assert ownership.proof_due(10.3)
