"""The master lease as its holder counts it, and leases as observers see them: each by its own clock alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from waba_node.control.lease import DRIFT, MasterLease, holder_window, master_delay, takeover_delay
from waba_node.control.observation import Observer
from waba_node.control.promotion import Shard

MOMENTS = st.floats(0, 100)


@given(MOMENTS, st.integers(1, 60), st.integers(2, 120), st.floats(0, 200))
def test_a_master_stops_acting_before_observers_may_take_the_lease_by_any_honest_clock(
    sent_at: float, heartbeat: int, unhealthy_interval: int, now: float
) -> None:
    delay = master_delay(heartbeat, unhealthy_interval)
    lease = MasterLease()
    lease.granted(1, sent_at, delay)
    if lease.held(now):
        assert (now - sent_at) * (1 + DRIFT) < delay
    lease.refused(now, delay)
    assert not lease.held(now)


@given(st.floats(1, 100))
def test_a_holders_window_and_the_takeover_delay_belong_together(window: float) -> None:
    assert abs(holder_window(takeover_delay(window)) - window) < 1e-6


@given(MOMENTS)
def test_a_lease_is_renewed_well_within_its_takeover_delay(sent_at: float) -> None:
    lease = MasterLease()
    lease.granted(1, sent_at, 3.0)
    assert not lease.due(sent_at + 0.9)
    assert lease.due(sent_at + 1.1)
    assert lease.held(sent_at + 1.1)


def test_a_lowered_delay_is_stored_only_after_the_longer_right_has_been_replaced() -> None:
    lease = MasterLease()
    assert lease.requested_delay(3.0) == 3.0
    lease.granted(1, 0.0, 15.0)
    assert lease.requested_delay(3.0) == 15.0
    lease.granted(1, 5.0, 3.0)
    assert lease.requested_delay(3.0) == 3.0


def test_an_observer_counts_from_the_arrival_of_the_reading_that_showed_the_counter_first() -> None:
    observer = Observer()
    assert observer.unchanged("lease", 50.0) == 0.0, "nothing was read yet"
    observer.observe({"lease": (1, 1)}, 10.0)
    observer.observe({"lease": (1, 1)}, 14.0)
    assert observer.unchanged("lease", 14.0) == 4.0
    observer.observe({"lease": (1, 2)}, 15.0)
    assert observer.unchanged("lease", 15.0) == 0.0, "a renewal"
    observer.observe({"lease": (2, 2)}, 19.0)
    assert observer.unchanged("lease", 19.0) == 0.0, "another holder"
    observer.observe({}, 20.0)
    observer.observe({"lease": (2, 2)}, 25.0)
    assert observer.unchanged("lease", 25.0) == 0.0, "the lease was absent meanwhile"


def fenced(observer: Observer, row: Shard, arrived_at: float) -> bool:
    (observed,) = observer.observe_map([row], arrived_at)
    return observed.fenced


def test_a_shard_is_fenced_once_no_renewal_was_seen_for_the_takeover_delay() -> None:
    observer, row = Observer(), Shard(0, "c0", "i", 7, fenced=False, renewal=3, takeover_delay=2.5)
    assert not fenced(observer, row, 10.0)
    assert not fenced(observer, row, 12.4)
    assert fenced(observer, row, 12.5)
    assert not fenced(observer, Shard(0, "c0", "i", 7, fenced=False, renewal=4, takeover_delay=2.5), 12.6)
    assert not fenced(observer, Shard(0, None, None, 7, fenced=False, renewal=4, takeover_delay=2.5), 13.0), "demoted"
    assert fenced(observer, Shard(0, None, None, 7, fenced=False, renewal=4, takeover_delay=2.5), 15.1)


def test_a_released_shard_is_fenced_at_once() -> None:
    assert fenced(Observer(), Shard(0, None, None, 7, fenced=True, renewal=3, takeover_delay=2.5), 10.0)
