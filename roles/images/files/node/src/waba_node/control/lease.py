"""Leases that need no common clock, and one master's part in the master lease. No I/O, no clock of its own.

A holder counts its right from the moment when it sends a renewal. An observer may replace the holder once it has seen no renewal for the
takeover delay, counted from the arrival of its reading. Each uses its own monotonic clock, and no time is compared with another machine's,
the database's included (docs/adr/0003-safety-without-clocks.md).
"""

from __future__ import annotations

from dataclasses import dataclass

DRIFT = 0.1  # the clock rates of two machines differ by less than this share
MARGIN = 0.2  # seconds on top, for the time that a holder needs to notice the end of its right

SHORTEST = 2.0  # seconds
HEARTBEATS_PER_DELAY = 3
RENEWALS_PER_DELAY = 3
OBSERVE = 1.0  # seconds between two readings of a lease that another master holds
RETRY = 0.5  # seconds


def takeover_delay(window: float) -> float:
    """Return for how many seconds an observer must see no renewal before a holder with this window is certainly gone."""
    return window * (1 + DRIFT) + MARGIN


def holder_window(delay: float) -> float:
    """Return for how many seconds a holder may act after it sent a renewal, so that observers may wait for `delay`."""
    return (delay - MARGIN) / (1 + DRIFT)


def master_delay(heartbeat_interval: float, unhealthy_interval: float) -> float:
    """Return the takeover delay of the master lease in seconds."""
    return max(SHORTEST, min(unhealthy_interval, HEARTBEATS_PER_DELAY * heartbeat_interval))


@dataclass
class MasterLease:
    """One master's knowledge of its own lease: its epoch, and until when, on its own monotonic clock, the master may act on it.

    delay: the takeover delay from which that moment was computed. renewals: the number of the last request; it never decreases.
    """

    epoch: int | None = None
    valid_until: float = float("-inf")
    delay: float = 0.0
    renewals: int = 0
    next_try: float = float("-inf")

    def held(self, now: float) -> bool:
        """Return whether the master may act as primary now."""
        return self.epoch is not None and now < self.valid_until

    def due(self, now: float) -> bool:
        """Return whether it is time to renew the lease, or to read it."""
        return now >= self.next_try

    def next_renewal(self) -> int:
        """Return the number of the next request."""
        self.renewals += 1
        return self.renewals

    def requested_delay(self, delay: float) -> float:
        """Return the delay that a request must store: not shorter than the one that the right in use was computed from."""
        return max(delay, self.delay)

    def granted(self, epoch: int, sent_at: float, delay: float) -> None:
        """Record that a request sent at `sent_at` was granted. delay: by the settings at that time."""
        self.epoch, self.delay = epoch, delay
        self.valid_until = sent_at + holder_window(delay)
        self.next_try = sent_at + delay / RENEWALS_PER_DELAY

    def refused(self, sent_at: float, delay: float) -> None:
        """Record that another master holds the lease."""
        self.lost()
        self.next_try = sent_at + min(OBSERVE, delay / RENEWALS_PER_DELAY)

    def failed(self, now: float) -> None:
        """Record that no answer came. A lease that is held stays held until it ends by itself."""
        self.next_try = now + RETRY

    def compete_now(self) -> None:
        """Read the lease at the next chance: it may be free."""
        self.next_try = float("-inf")

    def lost(self) -> None:
        """Give up the lease."""
        self.epoch, self.valid_until, self.delay = None, float("-inf"), 0.0
