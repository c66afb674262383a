"""Which standby is promoted instead of an unhealthy coreapp. Pure: observations go in, a plan comes out.

Which standby is promoted, and that nothing fails back, are our decisions (docs/adr/0004-failure-detector-two-observers.md).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .failure_detector import Coreapp, ready, unhealthy

REPORT_INTERVAL = 60.0  # seconds


@dataclass(frozen=True)
class Shard:
    """A row of the shard map. renewal, takeover_delay (seconds): of the last renewal in this epoch.

    fenced: the last owner can no longer be connected, since it released the shard or an observer saw no renewal for the takeover delay.
    """

    shard: int
    owner: str | None
    incarnation: str | None
    epoch: int
    fenced: bool
    renewal: int = 0
    takeover_delay: float = 0.0

    @property
    def counter(self) -> tuple[int, int]:
        """Return what changes with every renewal and every promotion."""
        return self.epoch, self.renewal


@dataclass(frozen=True)
class Promotion:
    """Make `node` the owner of `shard` if the map still has `counter` there."""

    shard: int
    node: str
    incarnation: str
    counter: tuple[int, int]


@dataclass(frozen=True)
class Demotion:
    """Take `shard` from its owner if the map still has `epoch` there, so that the owner can renew nothing any more."""

    shard: int
    epoch: int


@dataclass(frozen=True)
class Redraw:
    """Draw the map for another number of shards if it still consists of `rows`, all of them fenced."""

    shards: int
    rows: tuple[Shard, ...]


class Plan(NamedTuple):
    """What the primary master does now."""

    promotions: list[Promotion]
    demotions: list[Demotion]
    redraw: Redraw | None = None


def plan(
    shards: Collection[Shard],
    coreapps: Mapping[str, Coreapp],
    heartbeat_interval: float,
    unhealthy_interval: float,
    wanted: int | None = None,
) -> Plan:
    """Return what is due. wanted: the number of shards that was requested; None for as many as the map has.

    For another number of shards every owner is demoted. When all are disconnected, the map is drawn anew, and then filled as any other.

    A shard is given away only when its last owner can no longer be connected. An unhealthy owner may still be able to renew its ownership:
    the database may answer it while the masters do not hear it, or the reverse. It is demoted as soon as another coreapp can take over.
    """
    if wanted is not None and wanted != len(shards):
        demotions = [Demotion(row.shard, row.epoch) for row in shards if row.owner is not None]
        complete = bool(shards) and not demotions and all(row.fenced for row in shards)
        return Plan([], demotions, Redraw(wanted, tuple(shards)) if complete else None)
    # By row, not by name: the map may still name a restarted coreapp as owner of one shard while it owns another.
    retained = [row for row in shards if _keeps(row, coreapps, unhealthy_interval)]
    owners = {row.owner for row in retained}
    standbys = [
        coreapp
        for node, coreapp in sorted(coreapps.items())
        if node not in owners and ready(coreapp, heartbeat_interval, unhealthy_interval)
    ]
    lost = sorted((row for row in shards if row not in retained), key=lambda row: (not row.fenced, row.shard))
    pairs = list(zip(lost, standbys, strict=False))
    return Plan(
        [Promotion(row.shard, one.node, one.incarnation, row.counter) for row, one in pairs if row.fenced],
        [Demotion(row.shard, row.epoch) for row, _one in pairs if not row.fenced and _owner(row, coreapps)],
    )


def _owner(row: Shard, coreapps: Mapping[str, Coreapp]) -> Coreapp | None:
    owner = coreapps.get(row.owner or "")
    return owner if owner is not None and owner.incarnation == row.incarnation else None


def _keeps(row: Shard, coreapps: Mapping[str, Coreapp], unhealthy_interval: float) -> bool:
    owner = _owner(row, coreapps)
    return owner is not None and not unhealthy(owner, unhealthy_interval)
