"""A coreapp's right to be connected: proofs, the window, the moment to disconnect. No I/O, no clock of its own.

Times are seconds on the node's own monotonic clock and never leave the node. The rules are ours: docs/understand/architecture.md, "Who may be
connected upstream".
"""

from __future__ import annotations

from dataclasses import dataclass

from .sharding import buckets_of

DRIFT = 0.1  # the rates of two clocks differ by less than this
MARGIN = 0.2  # seconds on top of it
SHARE_OF_UNHEALTHY = 0.7
LONGEST_PATIENCE = 2.0  # seconds
PROOFS_PER_WINDOW = 10  # so often that a demoted owner hears of it soon


def window(unhealthy_interval: float) -> float:
    """Return the seconds for which one proof lets a coreapp be connected."""
    return SHARE_OF_UNHEALTHY * unhealthy_interval


def patience(unhealthy_interval: float) -> float:
    """Return for how many seconds to wait for a proof, so that a second way can still be tried within the window."""
    return min(LONGEST_PATIENCE, window(unhealthy_interval) / 5)


def recorded_window(unhealthy_interval: float) -> float:
    """Return the seconds, by the database's clock, in which nobody else may be promoted after a proof."""
    return window(unhealthy_interval) * (1 + DRIFT) + MARGIN


@dataclass(frozen=True)
class Grant:
    """The right to one shard, as the map last confirmed it. `of`: how many shards the map has, which the epoch stands for too."""

    shard: int
    epoch: int
    of: int = 1

    def serves(self, bucket: int) -> bool:
        """Return whether the shard is the one of a bucket."""
        return bucket % self.of == self.shard

    @property
    def buckets(self) -> range:
        """Return the buckets that the shard serves."""
        return buckets_of(self.shard, self.of)


@dataclass
class Ownership:
    """What one coreapp process knows of its own right. `proven_at` is the send time of the request that proved it."""

    grant: Grant | None = None
    proven_at: float = float("-inf")
    proven_window: float = 0.0
    draining: bool = False

    def deadline(self) -> float:
        """Return when the process must be disconnected unless another proof comes."""
        return self.proven_at + self.proven_window

    def may_be_connected(self, now: float) -> bool:
        """Return whether being connected is allowed now."""
        return self.grant is not None and not self.draining and now < self.deadline()

    def proof_due(self, now: float) -> bool:
        """Return whether it is time to ask for another proof."""
        return self.grant is not None and now >= self.proven_at + self.proven_window / PROOFS_PER_WINDOW

    def proven(self, grant: Grant, sent_at: float, seconds: float) -> None:
        """Take a proof: `grant` held when a request sent at `sent_at` was answered; `seconds` is the window it recorded.

        An answer that comes late proves nothing beyond its request, and an older epoch proves nothing at all.
        """
        older = self.grant is not None and grant.epoch < self.grant.epoch
        late = grant == self.grant and sent_at <= self.proven_at
        if older or late:
            return
        self.grant, self.proven_at, self.proven_window = grant, sent_at, seconds

    def refused(self, grant: Grant) -> None:
        """Take a refusal: the map names somebody else, or another epoch, for what `grant` claims."""
        if self.grant == grant:
            self.lost()

    def lost(self) -> None:
        """Give up every right."""
        self.grant, self.proven_at, self.proven_window = None, float("-inf"), 0.0
