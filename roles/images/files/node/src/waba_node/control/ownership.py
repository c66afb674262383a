"""A coreapp's right to be connected: renewals, the fencing window, the moment to disconnect. No I/O, no clock of its own.

Times are seconds on the node's own monotonic clock and never leave the node. See docs/adr/0003-safety-without-clocks.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from .lease import takeover_delay
from .sharding import buckets_of

SHARE_OF_UNHEALTHY = 0.7
LONGEST_PATIENCE = 2.0  # seconds
RENEWALS_PER_WINDOW = 10  # enough for a demoted owner to learn of it soon


def fencing_window(unhealthy_interval: float) -> float:
    """Return for how many seconds after sending a renewal a coreapp may be connected."""
    return SHARE_OF_UNHEALTHY * unhealthy_interval


def patience(unhealthy_interval: float) -> float:
    """Return for how many seconds to wait for the answer to a renewal, so that a second way can still be tried within the window."""
    return min(LONGEST_PATIENCE, fencing_window(unhealthy_interval) / 5)


@dataclass(frozen=True)
class Grant:
    """The right to one shard, as the map last confirmed it. `of`: the number of shards in the map that the epoch belongs to."""

    shard: int
    epoch: int
    of: int = 1

    def serves(self, bucket: int) -> bool:
        """Return whether a bucket belongs to the shard."""
        return bucket % self.of == self.shard

    @property
    def buckets(self) -> range:
        """Return the buckets that the shard serves."""
        return buckets_of(self.shard, self.of)


@dataclass
class Ownership:
    """What one coreapp process knows of its own right.

    renewed_at: when the last granted renewal was sent. window: the fencing window that counts from then. renewals: the number of the last
    request; it never decreases, so that a late request cannot undo a later one.
    """

    grant: Grant | None = None
    renewed_at: float = float("-inf")
    window: float = 0.0
    renewals: int = 0
    draining: bool = False

    def deadline(self) -> float:
        """Return when the process must be disconnected unless another renewal is granted."""
        return self.renewed_at + self.window

    def may_be_connected(self, now: float) -> bool:
        """Return whether being connected is allowed now."""
        return self.grant is not None and not self.draining and now < self.deadline()

    def renewal_due(self, now: float) -> bool:
        """Return whether it is time for another renewal."""
        return self.grant is not None and now >= self.renewed_at + self.window / RENEWALS_PER_WINDOW

    def next_renewal(self) -> int:
        """Return the number of the next request."""
        self.renewals += 1
        return self.renewals

    def requested_delay(self, window: float) -> float:
        """Return the takeover delay that a request must store: long enough for its own window and for the right in use."""
        return takeover_delay(max(window, self.window))

    def renewed(self, grant: Grant, sent_at: float, window: float) -> None:
        """Record a granted renewal: the map named `grant` when a request sent at `sent_at` arrived.

        A late answer grants nothing beyond its request, and an answer for an older epoch grants nothing at all.
        """
        older = self.grant is not None and grant.epoch < self.grant.epoch
        late = grant == self.grant and sent_at <= self.renewed_at
        if older or late:
            return
        self.grant, self.renewed_at, self.window = grant, sent_at, window

    def refused(self, grant: Grant) -> None:
        """Record a refusal: the map names another owner or another epoch for the shard of `grant`."""
        if self.grant == grant:
            self.lost()

    def lost(self) -> None:
        """Give up every right."""
        self.grant, self.renewed_at, self.window = None, float("-inf"), 0.0
