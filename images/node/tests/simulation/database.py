"""The simulated database: the lease, the shard map and the reports, by its own clock, which is the simulation's."""

from __future__ import annotations

from dataclasses import dataclass, field

from waba_node.control.ownership import Grant
from waba_node.control.promotion import Demotion, Promotion, Shard


@dataclass
class Row:
    """A row of the shard map."""

    owner: str | None = None
    life: str | None = None
    epoch: int = 0
    fence: float = 0.0


@dataclass
class Database:
    """Does what store/cluster.py does; each method is one transaction."""

    shards: int
    holder: tuple[str, str] | None = None
    epoch: int = 0
    expires_at: float = 0.0
    now: float = 0.0
    paused: bool = False
    rows: list[Row] = field(default_factory=list)
    reports: dict[str, tuple[str, float]] = field(default_factory=dict)  # name -> (life, when)

    def __post_init__(self) -> None:
        self.rows = [Row() for _shard in range(self.shards)]

    def take_lease(self, who: tuple[str, str], seconds: float) -> int | None:
        expired = self.now >= self.expires_at
        if not expired and self.holder != who:
            return None
        self.epoch += expired
        self.holder, self.expires_at = who, max(self.expires_at, self.now + seconds)
        return self.epoch

    def release_lease(self, who: tuple[str, str]) -> None:
        if self.holder == who:
            self.expires_at = self.now

    def holds(self, who: tuple[str, str], epoch: int) -> bool:
        return (self.holder, self.epoch) == (who, epoch) and self.now < self.expires_at

    def report(self, name: str, life: str) -> None:
        """Report; a new life registers, which releases what the former one held."""
        if self.reports.get(name, (life,))[0] != life:
            for row in self.rows:
                if row.owner == name and row.life != life:
                    row.owner, row.life, row.fence = None, None, self.now
        self.reports[name] = life, self.now

    def read_map(self) -> list[Shard]:
        return [Shard(n, row.owner, row.life, row.epoch, self.now >= row.fence) for n, row in enumerate(self.rows)]

    def prove(self, grant: Grant, name: str, life: str, seconds: float) -> bool:
        row = self.rows[grant.shard]
        if (row.owner, row.life, row.epoch) != (name, life, grant.epoch):
            return False
        row.fence = max(row.fence, self.now + seconds)
        return True

    def release(self, grant: Grant, life: str) -> None:
        row = self.rows[grant.shard]
        if row.epoch == grant.epoch and (row.owner is None or row.life == life):
            row.owner, row.life, row.fence = None, None, self.now

    def leave(self, name: str, life: str, grant: Grant) -> None:
        if self.reports.get(name, ("",))[0] == life:
            del self.reports[name]
        self.release(grant, life)

    def demote(self, who: tuple[str, str], epoch: int, demotion: Demotion) -> bool:
        row = self.rows[demotion.shard]
        if not self.holds(who, epoch) or row.epoch != demotion.epoch or row.owner is None:
            return False
        row.owner = row.life = None
        return True

    def promote(self, who: tuple[str, str], epoch: int, promotion: Promotion, seconds: float) -> bool:
        row, named = self.rows[promotion.shard], (promotion.node, promotion.incarnation)
        if not self.holds(who, epoch) or row.epoch != promotion.epoch or self.now < row.fence:
            return False
        if any((other.owner, other.life) == named for other in self.rows):
            return False
        row.owner, row.life = promotion.node, promotion.incarnation
        row.epoch, row.fence = promotion.epoch + 1, self.now + seconds
        return True
