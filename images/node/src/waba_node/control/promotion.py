"""Who is unhealthy, and who is promoted instead. Pure: what was seen goes in, promotions come out.

Sources: the seed (both monitors, their times, who decides); which healthy secondary is chosen, and that nothing fails back, is ours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

SILENT_IN_DATABASE = 120.0  # seconds (seed)
REPORT_INTERVAL = 60.0  # seconds (seed)


@dataclass(frozen=True)
class Shard:
    """A row of the shard map. `fenced`: by the database's clock, its owner can no longer be connected."""

    shard: int
    owner: str | None
    incarnation: str | None
    epoch: int
    fenced: bool


@dataclass(frozen=True)
class Coreapp:
    """What is known of one coreapp. Durations in seconds, each measured by its observer's own clock.

    silent: since its last report, by the database's clock. unanswered: since its last good answer to the primary master, or since that
    began to watch it. unanswered_peers: the same for each secondary master that could be asked. answers: it has answered the primary.
    """

    node: str
    incarnation: str
    silent: float
    unanswered: float
    answers: bool
    unanswered_peers: tuple[float, ...] = ()


@dataclass(frozen=True)
class Promotion:
    """Make `node` the owner of `shard`, if the map still has `epoch`."""

    shard: int
    node: str
    incarnation: str
    epoch: int


@dataclass(frozen=True)
class Demotion:
    """Take `shard` from its owner, if the map still has `epoch`, so that it can prove nothing any more."""

    shard: int
    epoch: int


class Plan(NamedTuple):
    """What the primary master does now. `redraw`: draw the map anew for so many shards."""

    promotions: list[Promotion]
    demotions: list[Demotion]
    redraw: int | None = None


def unhealthy(coreapp: Coreapp, unhealthy_interval: float) -> bool:
    """Return whether a coreapp is unhealthy by either monitor (seed)."""
    to_primary = coreapp.unanswered >= unhealthy_interval
    to_a_secondary = any(unanswered >= unhealthy_interval for unanswered in coreapp.unanswered_peers)
    return (to_primary and to_a_secondary) or coreapp.silent > SILENT_IN_DATABASE


def ready(coreapp: Coreapp, heartbeat_interval: float, unhealthy_interval: float) -> bool:
    """Return whether a coreapp can take a shard now: it answered the primary master lately and is not unhealthy (ours)."""
    lately = coreapp.answers and coreapp.unanswered < 2 * heartbeat_interval + 1
    return lately and not unhealthy(coreapp, unhealthy_interval)


def plan(
    shards: Collection[Shard],
    coreapps: Mapping[str, Coreapp],
    heartbeat_interval: float,
    unhealthy_interval: float,
    wanted: int | None = None,
) -> Plan:
    """Return what is due. wanted: how many shards the cluster shall have; None for as many as it has.

    For another number of shards every owner is demoted; when all are disconnected, the map is drawn anew, and then filled as any other.

    A shard is given away only when its last owner can no longer be connected. An unhealthy owner may be able to prove itself all the same:
    the database hears it and the masters do not, or the other way round. It is demoted as soon as another can take over, and only then.
    """
    if wanted not in (None, len(shards)):
        demotions = [Demotion(row.shard, row.epoch) for row in shards if row.owner is not None]
        ready_to_redraw = bool(shards) and not demotions and all(row.fenced for row in shards)
        return Plan([], demotions, wanted if ready_to_redraw else None)
    # By row, not by name: a restarted coreapp may still be named as owner of one shard and already own another.
    kept = [row for row in shards if _keeps(row, coreapps, unhealthy_interval)]
    owners = {row.owner for row in kept}
    spares = [
        coreapp
        for node, coreapp in sorted(coreapps.items())
        if node not in owners and ready(coreapp, heartbeat_interval, unhealthy_interval)
    ]
    lost = sorted((row for row in shards if row not in kept), key=lambda row: (not row.fenced, row.shard))
    pairs = list(zip(lost, spares, strict=False))
    return Plan(
        [Promotion(row.shard, one.node, one.incarnation, row.epoch) for row, one in pairs if row.fenced],
        [Demotion(row.shard, row.epoch) for row, _one in pairs if not row.fenced and _owner(row, coreapps)],
    )


def _owner(row: Shard, coreapps: Mapping[str, Coreapp]) -> Coreapp | None:
    owner = coreapps.get(row.owner or "")
    return owner if owner is not None and owner.incarnation == row.incarnation else None


def _keeps(row: Shard, coreapps: Mapping[str, Coreapp], unhealthy_interval: float) -> bool:
    owner = _owner(row, coreapps)
    return owner is not None and not unhealthy(owner, unhealthy_interval)
