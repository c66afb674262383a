"""The budget of a number, the pauses of its recipients, and the order of a recipient's messages."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from waba_node.control.dispatch import BURST, LONGEST_PAIR_PAUSE, LONGEST_PAUSE, MEMORY, Budget, Dispatch, Item


def item(position: int, recipient: str = "a") -> Item:
    return Item(position, f"m{position}", recipient)


def filled(*items: Item, rate: float = 1000.0) -> Dispatch:
    made = Dispatch(rate, 0.0)
    for one in items:
        made.add(one)
    return made


def taken(dispatch: Dispatch, now: float, limit: int = 1000) -> list[str]:
    return [one.message_id for one in dispatch.take(now, limit)]


def test_messages_of_different_recipients_are_sent_at_once_and_the_oldest_first() -> None:
    dispatch = filled(item(3, "c"), item(1, "a"), item(2, "b"), item(4, "a"))
    assert taken(dispatch, 0.0) == ["m1", "m2", "m3"]
    assert taken(dispatch, 1.0) == []
    dispatch.accepted("m1", 1.0)
    assert taken(dispatch, 1.0) == ["m4"]
    assert (dispatch.waiting, dispatch.in_flight) == (0, 3)


def test_a_known_message_is_not_added_again() -> None:
    dispatch = filled(item(1), item(1))
    assert taken(dispatch, 0.0) == ["m1"]
    dispatch.add(item(1))
    dispatch.accepted("m1", 0.0)
    assert taken(dispatch, 1.0) == []


def test_the_rate_of_the_number_is_kept() -> None:
    dispatch = filled(*(item(number, f"r{number}") for number in range(300)), rate=80.0)
    assert len(taken(dispatch, 0.0)) == 80 * BURST
    assert len(taken(dispatch, 0.05)) == 4
    assert dispatch.next_at(0.05) == pytest.approx(0.0625)
    assert len(taken(dispatch, 100.0)) == 80 * BURST, "an unused budget is not saved"


def test_a_budget_below_one_message_a_second_sends_all_the_same() -> None:
    dispatch = filled(item(1, "a"), item(2, "b"), rate=0.5)
    assert taken(dispatch, 0.0) == ["m1"]
    assert taken(dispatch, 1.9) == []
    assert taken(dispatch, 2.0) == ["m2"]


def test_pauses_of_a_pair_grow_by_the_factor_four_and_hold_up_no_other_recipient() -> None:
    dispatch, now = filled(item(1), item(2)), 0.0
    for pause in (1, 4, 16, 64, 256, LONGEST_PAIR_PAUSE, LONGEST_PAIR_PAUSE):
        assert taken(dispatch, now) == ["m1"]
        dispatch.recipient_throttled("m1", now, None)
        dispatch.add(item(100 + int(now), "other"))
        (other,) = dispatch.take(now, 10)
        dispatch.accepted(other.message_id, now)
        assert taken(dispatch, now + pause - 0.01) == []
        assert dispatch.next_at(now) == now + pause
        now += pause
    assert taken(dispatch, now) == ["m1"]
    dispatch.accepted("m1", now)
    assert taken(dispatch, now) == ["m2"]
    dispatch.recipient_throttled("m2", now, None)
    assert taken(dispatch, now + 1) == ["m2"], "a success ends the growth"


def test_pauses_of_a_pair_grow_although_no_message_waited_meanwhile() -> None:
    """A message leaves the memory when its claim is lost; a scan adds it again."""
    dispatch = filled(item(1))
    assert taken(dispatch, 0.0) == ["m1"]
    dispatch.recipient_throttled("m1", 0.0, None)
    assert taken(dispatch, 1.0) == ["m1"]
    dispatch.ended("m1", 1.0)
    dispatch.add(item(1))
    assert taken(dispatch, 2.0) == ["m1"]
    dispatch.recipient_throttled("m1", 2.0, None)
    assert taken(dispatch, 5.9) == []
    assert taken(dispatch, 6.0) == ["m1"]


def test_a_throttled_number_pauses_and_is_slower_afterwards() -> None:
    dispatch = filled(*(item(number, f"r{number}") for number in range(500)), rate=100.0)
    first, second, *_rest = dispatch.take(0.0, 100)
    for now, throttled in ((0.0, first), (0.1, second)):
        dispatch.number_throttled(now, None)
        dispatch.put_back(throttled.message_id, now)
    assert taken(dispatch, 1.0) == []
    assert dispatch.budget.present_rate == 50.0, "answers that were under way count once"
    assert taken(dispatch, 1.2)[:2] == [first.message_id, second.message_id]
    dispatch.number_throttled(1.2, 30.0)
    assert taken(dispatch, 31.0) == [], "the upstream's own demand"
    dispatch.budget.advance(31.2)
    before = dispatch.budget.present_rate
    dispatch.budget.advance(80.0)
    assert before < dispatch.budget.present_rate == 100.0


def test_pauses_of_a_number_are_bounded() -> None:
    budget, now = Budget(80.0, 0.0), 0.0
    for _attempt in range(50):
        budget.slow_down(now, None)
        assert budget.held_until - now <= LONGEST_PAUSE
        now = budget.held_until
    assert budget.present_rate == 80.0 / 16


def test_a_message_that_was_not_sent_keeps_its_place() -> None:
    dispatch = filled(item(1), item(2))
    assert taken(dispatch, 0.0) == ["m1"]
    dispatch.not_sent("m1", 0.0, None)
    assert taken(dispatch, 0.9) == []
    assert taken(dispatch, 1.0) == ["m1"]
    dispatch.not_sent("m1", 1.0, 7.0)
    assert taken(dispatch, 7.9) == []
    assert taken(dispatch, 8.0) == ["m1"]


def test_an_uncertain_message_holds_up_no_other_one() -> None:
    dispatch = filled(item(1), item(2))
    assert taken(dispatch, 0.0) == ["m1"]
    dispatch.ended("m1", 0.5)
    assert taken(dispatch, 0.5) == ["m2"]
    dispatch.add(item(1))
    dispatch.accepted("m2", 1.0)
    assert taken(dispatch, 1.0) == ["m1"], "it is sent again"


def test_removed_messages_are_forgotten_unless_they_are_in_flight() -> None:
    dispatch = filled(item(1), item(2), item(3, "b"))
    assert taken(dispatch, 0.0, limit=1) == ["m1"]
    dispatch.remove(["m1", "m2", "m3", "unknown"], 0.0)
    assert dispatch.known.keys() == {"m1"}
    dispatch.accepted("m1", 0.0)
    assert taken(dispatch, 1.0) == []
    assert dispatch.recipients == {}


def test_recipients_without_messages_are_forgotten() -> None:
    dispatch = filled(item(1), rate=10.0)
    dispatch.take(0.0, 1)
    dispatch.recipient_throttled("m1", 0.0, None)
    dispatch.remove(["m1"], 0.1)
    assert dispatch.recipients.keys() == {"a"}, "the pause is remembered"
    dispatch.take(2.0, 1)
    assert dispatch.recipients.keys() == {"a"}, "the refusal is remembered"
    dispatch.take(1.0 + MEMORY, 1)
    assert dispatch.recipients == {}


OUTCOMES = ("accepted", "ended", "put_back", "not_sent", "recipient_throttled", "number_throttled")


@settings(max_examples=150)
@given(
    rate=st.sampled_from([0.5, 5.0, 80.0, 1000.0]),
    recipients=st.lists(st.integers(0, 4), min_size=1, max_size=40),
    data=st.data(),
)
def test_rate_order_and_completeness_hold_in_every_course(
    rate: float, recipients: list[int], data: st.DataObject
) -> None:
    dispatch, now = Dispatch(rate, 0.0), 0.0
    items = [Item(number, f"m{number}", f"r{who}") for number, who in enumerate(recipients)]
    waiting, flying, moments = list(items), [], []
    done: dict[str, list[int]] = defaultdict(list)
    for _step in range(60):
        for _added in range(data.draw(st.integers(0, 3))):
            if waiting:
                dispatch.add(waiting.pop(0))
        for one in dispatch.take(now, data.draw(st.integers(0, 5))):
            assert all(other.recipient != one.recipient for other in flying), "one in flight per recipient"
            assert not [old for old in done[one.recipient] if old > one.position], "in order"
            flying.append(one)
            moments.append(now)
        if flying:
            one = flying.pop(data.draw(st.integers(0, len(flying) - 1)))
            outcome = data.draw(st.sampled_from(OUTCOMES))
            if outcome == "number_throttled":
                dispatch.number_throttled(now, 2.0)
                outcome = "put_back"
            more = {"not_sent": (None,), "recipient_throttled": (None,)}
            getattr(dispatch, outcome)(one.message_id, now, *more.get(outcome, ()))
            if outcome in ("accepted", "ended"):
                done[one.recipient].append(one.position)
        now += data.draw(st.sampled_from([0.0, 0.01, 0.3, 2.0, 60.0]))
        assert dispatch.in_flight == len(flying)
    for start in moments:
        for length in (0.1, 1.0, 10.0):
            count = sum(start <= moment < start + length for moment in moments)
            assert count <= rate * length + max(1.0, rate * BURST) + 1e-6
    for one in waiting:
        dispatch.add(one)
    for one in flying:
        dispatch.accepted(one.message_id, now)
        done[one.recipient].append(one.position)
    for _step in range(1000):  # everything else is sent once the upstream accepts again
        now = max(now, dispatch.next_at(now) or now)
        for one in dispatch.take(now, 10):
            done[one.recipient].append(one.position)
            dispatch.accepted(one.message_id, now)
        if dispatch.next_at(now) is None:
            break
    assert sorted(place for places in done.values() for place in places) == [one.position for one in items]
    assert dispatch.known == {}
    for order in done.values():
        assert order == sorted(order)
