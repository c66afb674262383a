"""One random life of a cluster, and what must be true of it."""

from __future__ import annotations

import random

from .world import FAST, World

HEARTBEAT, UNHEALTHY = FAST
# After the last fault: settings are heard, the lease runs out, the fence runs out, the unhealthy are seen as such, the next look at the map.
RECOVERY = 3 * UNHEALTHY + 4 * HEARTBEAT + 3


def live(seed: int) -> World:
    """Let a cluster live through the faults of a seed, then see that it recovers, and serves on without any master. Raises Violation."""
    shards = random.Random(seed).choice([1, 1, 1, 2])
    world = World(seed, coreapps=shards + 2, shards=shards)
    world.run_for(8)
    world.run_for(20, faults=0.7)
    world.heal()
    world.run_for(RECOVERY)
    if world.served() != shards:
        world.fail(f"{world.served()} of {shards} shards served {RECOVERY} s after the last fault")
    for master in world.masters:
        world.crash(master)
    world.run_for(3 * UNHEALTHY)
    if world.served() != shards:
        world.fail("with every master dead, a shard is not served any more")
    return world
