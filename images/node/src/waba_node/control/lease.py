"""One master's view of the master lease. No I/O, no clock of its own. How long a lease lives is ours; that there is one is the seed's."""

from __future__ import annotations

from dataclasses import dataclass

from .ownership import DRIFT, MARGIN

SHORTEST = 2.0  # seconds
HEARTBEATS_PER_LIFE = 3
RENEWALS_PER_LIFE = 3


def life(heartbeat_interval: float, unhealthy_interval: float) -> float:
    """Return how many seconds a lease lives unless renewed."""
    return max(SHORTEST, min(unhealthy_interval, HEARTBEATS_PER_LIFE * heartbeat_interval))


@dataclass
class Lease:
    """What a master knows of its own lease: the epoch it holds, and until when, on its own monotonic clock, it may act on it."""

    epoch: int | None = None
    valid_until: float = float("-inf")
    next_try: float = float("-inf")

    def held(self, now: float) -> bool:
        """Return whether the master may act as primary now."""
        return self.epoch is not None and now < self.valid_until

    def due(self, now: float) -> bool:
        """Return whether it is time to renew, or to compete for the lease."""
        return now >= self.next_try

    def granted(self, epoch: int, sent_at: float, seconds: float) -> None:
        """Take a grant of `seconds` that answered a request sent at `sent_at`."""
        self.epoch = epoch
        self.valid_until = sent_at + (seconds - MARGIN) / (1 + DRIFT)
        self.next_try = sent_at + seconds / RENEWALS_PER_LIFE

    def refused(self, sent_at: float, seconds: float) -> None:
        """Take a refusal: another master holds the lease."""
        self.lost()
        self.next_try = sent_at + seconds / RENEWALS_PER_LIFE

    def failed(self, now: float) -> None:
        """Take that no answer came; what is held stays held until it ends by itself."""
        self.next_try = now + 0.5

    def wanted(self) -> None:
        """Try at the next chance: the lease may be free."""
        self.next_try = float("-inf")

    def lost(self) -> None:
        """Give up the lease."""
        self.epoch, self.valid_until = None, float("-inf")
