"""Who is unhealthy, and who is promoted instead. Pure: what was seen goes in, promotions come out.

Sources: the seed (both monitors, their times, who decides); which healthy secondary is chosen, and that nothing fails back, is ours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

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
    shards: Collection[Shard], coreapps: Mapping[str, Coreapp], heartbeat_interval: float, unhealthy_interval: float
) -> list[Promotion]:
    """Return the promotions that are due.

    A shard is given away only when nobody owns it, or its owner is unhealthy or gone and can no longer be connected.
    """
    # By row, not by name: a restarted coreapp may still be named as owner of one shard and already own another.
    kept = [row for row in shards if _keeps(row, coreapps, unhealthy_interval)]
    owners = {row.owner for row in kept}
    spares = [
        coreapp
        for node, coreapp in sorted(coreapps.items())
        if node not in owners and ready(coreapp, heartbeat_interval, unhealthy_interval)
    ]
    free = sorted(
        (row for row in shards if row not in kept and (row.owner is None or row.fenced)), key=lambda row: row.shard
    )
    return [Promotion(row.shard, one.node, one.incarnation, row.epoch) for row, one in zip(free, spares, strict=False)]


def _keeps(row: Shard, coreapps: Mapping[str, Coreapp], unhealthy_interval: float) -> bool:
    owner = coreapps.get(row.owner or "")
    return owner is not None and owner.incarnation == row.incarnation and not unhealthy(owner, unhealthy_interval)
