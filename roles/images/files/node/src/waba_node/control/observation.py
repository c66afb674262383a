"""What an observer of leases has seen, by its own monotonic clock. No I/O, no clock of its own.

See docs/adr/0003-safety-without-clocks.md.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from .promotion import Shard


@dataclass
class Observer:
    """For how long the counter of each lease has not changed. A counter changes with every renewal and every change of the holder."""

    seen: dict[Hashable, tuple[Hashable, float]] = field(default_factory=dict)

    def observe(self, counters: Mapping[Hashable, Hashable], arrived_at: float) -> None:
        """Record a reading: lease -> counter. arrived_at: when its answer arrived. Leases that it does not contain are forgotten."""
        self.seen = {
            key: self.seen[key] if key in self.seen and self.seen[key][0] == counter else (counter, arrived_at)
            for key, counter in counters.items()
        }

    def unchanged(self, key: Hashable, now: float) -> float:
        """Return for how many seconds the counter of a lease has been the one that was read last."""
        return now - self.seen[key][1] if key in self.seen else 0.0

    def observe_map(self, rows: Iterable[Shard], arrived_at: float) -> list[Shard]:
        """Record a reading of the shard map. Return it with `fenced` set also where no renewal was seen for the takeover delay."""
        rows = list(rows)
        self.observe({row.shard: row.counter for row in rows}, arrived_at)
        return [
            replace(row, fenced=row.fenced or self.unchanged(row.shard, arrived_at) >= row.takeover_delay)
            for row in rows
        ]
