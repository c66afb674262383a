"""Which coreapps are unhealthy, and which standby is promoted instead. Pure: observations go in, a plan comes out.

Both monitors and their times are the vendor's rules (docs/reference/vendor-contract.md#high-availability). Which standby is promoted, and
that nothing fails back, are our decisions (docs/adr/0004-failure-detector-two-observers.md).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

SILENT_IN_DATABASE = 120.0  # seconds
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
class Coreapp:
    """Observations of one coreapp. Durations in seconds, each measured by its observer's own clock.

    silent: since its last report, by the database's clock. unanswered: since its last good answer to the primary master, or since that
    master began to watch it. unanswered_peers: the same for each secondary master that answered. answers: it has answered the primary.
    """

    node: str
    incarnation: str
    silent: float
    unanswered: float
    answers: bool
    unanswered_peers: tuple[float, ...] = ()


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


def unhealthy(coreapp: Coreapp, unhealthy_interval: float) -> bool:
    """Return whether a coreapp is unhealthy by either monitor."""
    to_primary = coreapp.unanswered >= unhealthy_interval
    to_a_secondary = any(unanswered >= unhealthy_interval for unanswered in coreapp.unanswered_peers)
    return (to_primary and to_a_secondary) or coreapp.silent > SILENT_IN_DATABASE


def ready(coreapp: Coreapp, heartbeat_interval: float, unhealthy_interval: float) -> bool:
    """Return whether a coreapp can take a shard now: it answered the primary master recently and is not unhealthy."""
    recently = coreapp.answers and coreapp.unanswered < 2 * heartbeat_interval + 1
    return recently and not unhealthy(coreapp, unhealthy_interval)


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
