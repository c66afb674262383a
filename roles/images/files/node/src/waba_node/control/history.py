"""The changes of the primary master and of the shards' owners that one master has observed. No I/O, no clock of its own.

No decision uses them; the console displays them. Moments are of the observer's monotonic clock, so they are reported as ages
(docs/adr/0003-safety-without-clocks.md).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

MOST = 50  # changes

PRIMARY_MASTER = None  # the subject of a change of the primary master; that of an owner is the shard


@dataclass(frozen=True)
class Change:
    """A new holder. former: the one before, None if it was not observed. vacancy: seconds without a holder, None if none was observed."""

    shard: int | None
    holder: str
    former: str | None
    epoch: int
    observed_at: float
    vacancy: float | None


@dataclass
class Reading:
    """The last reading of a lease. former: the last known holder while there is none, vacant_since: since when there is none."""

    holder: str | None
    epoch: int
    former: str | None = None
    vacant_since: float | None = None


class History:
    """The latest changes since this master began to observe."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.changes: deque[Change] = deque(maxlen=MOST)
        self.readings: dict[int | None, Reading] = {}

    def observe(self, shard: int | None, holder: str | None, epoch: int, moment: float) -> None:
        """Record a reading of a shard's owner, or of the primary master (PRIMARY_MASTER). The first reading is no change."""
        before = self.readings.get(shard)
        if holder is None:
            if before is None or before.holder is not None:
                former = None if before is None else before.holder
                since = None if before is None else moment  # it may have been vacant for long before the first reading
                self.readings[shard] = Reading(None, epoch, former, since)
            return
        self.readings[shard] = Reading(holder, epoch)
        if before is None or (before.holder == holder and before.epoch == epoch):
            return
        vacancy = None if before.vacant_since is None else moment - before.vacant_since
        former = before.holder if before.holder is not None else before.former
        self.changes.append(Change(shard, holder, former, epoch, moment, vacancy))

    def report(self, moment: float) -> dict[str, Any]:
        """Return the changes as JSON, with their ages in seconds, and for how long this master has observed."""
        changes = [
            {
                "shard": change.shard,
                "holder": change.holder,
                "former": change.former,
                "epoch": change.epoch,
                "age": round(moment - change.observed_at, 3),
                "vacancy": None if change.vacancy is None else round(change.vacancy, 3),
            }
            for change in self.changes
        ]
        return {"observed": round(moment - self.began, 3), "changes": changes}
