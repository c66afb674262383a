"""One random life of a cluster, and what must be true after it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from .cloud.world import RATES, CloudWorld, node_in_simulation
from .faults import CLOUD_KINDS, KINDS, Fault, crash, cut_off, draw, freeze, heal, lost_seconds, strike
from .world import FAST, QUICK, Violation, World

HEARTBEAT, UNHEALTHY = FAST
BEGINNING, TROUBLE = 4.0, 20.0  # seconds
# After the last fault: settings arrive, the lease and the fencing window end, failures are detected, the map is read again.
RECOVERY = 3 * UNHEALTHY + 4 * HEARTBEAT + 3
STEADY = (
    3.0  # seconds of service that count as recovery: an observation from before the last fault may still move a shard
)
TAKE_OVER = UNHEALTHY + 5.0  # seconds
WITHOUT_MASTERS = 2.0 * UNHEALTHY
WEBSOCKET, CLOUD = UPSTREAMS = ("websocket", "cloud")

AnyWorld = TypeVar("AnyWorld", bound=World)


@dataclass(frozen=True)
class Schedule:
    """A cluster and its faults. upstream: one of UPSTREAMS. resend, rate: the policy for the Cloud API."""

    seed: int
    shards: int
    coreapps: int
    masters: int
    webapps: int
    loss: float
    slowest: float
    faults: tuple[Fault, ...]
    upstream: str = WEBSOCKET
    resend: bool = False
    rate: int = RATES[-1]


def schedule(seed: int, upstream: str = WEBSOCKET) -> Schedule:
    """Return the schedule of a seed. upstream: one of UPSTREAMS."""
    source = random.Random(~seed)
    kinds = CLOUD_KINDS if upstream == CLOUD else KINDS
    shards = source.choice((1, 1, 1, 2, 2, 4))
    return Schedule(
        seed,
        shards,
        coreapps=shards + source.choice((1, 2, 2)),
        masters=source.choice((2, 2, 3)),
        webapps=source.choice((1, 2)),
        loss=source.choice((0.0, 0.0, 0.05, 0.3)),
        slowest=source.choice((QUICK, QUICK, 0.5, 1.5)),
        faults=tuple(draw(source, TROUBLE, source.choice((0.4, 0.8, 1.5)), kinds)),
        upstream=upstream,
        resend=source.random() < 0.3,
        rate=source.choice(RATES),
    )


def run(life: Schedule) -> World:
    """Run a cluster through its faults; check that it recovers and continues without any master. Raises Violation."""
    options = {"loss": life.loss, "slowest": life.slowest}
    if life.upstream == WEBSOCKET:
        return run_world(
            World(life.seed, life.masters, life.coreapps, life.webapps, life.shards, **options), life.faults
        )
    with node_in_simulation():
        policy = {"resend": life.resend, "rate": life.rate}
        world = CloudWorld(life.seed, life.masters, life.coreapps, life.webapps, life.shards, **options, **policy)
        try:
            return run_world(world, life.faults)
        finally:
            world.close()


def run_world(world: AnyWorld, faults: tuple[Fault, ...]) -> AnyWorld:
    """Run a cluster through faults: see `run`."""
    world.run_for(BEGINNING)
    began = world.now
    for at, event in events(world, faults):
        world.run_for(began + at - world.now)
        event()
    world.run_for(began + TROUBLE - world.now)
    heal(world)
    if not recovers(world):
        world.fail(f"not every shard is served for good {RECOVERY} s after the last fault")
    check_arrival(world)
    lose_an_owner(world)
    for master in world.masters:
        crash(world, master)
    before = world.traffic.count
    world.run_for(WITHOUT_MASTERS)
    if not world.served():
        world.fail("with every master dead, a shard is not served any more")
    if refused := {number: why for number, why in world.traffic.refused.items() if number > before}:
        world.fail(f"with every master dead, messages are refused: {refused}")
    check_arrival(world)
    world.check_end()
    return world


def events(world: World, faults: tuple[Fault, ...]) -> list[tuple[float, Callable[[], None]]]:
    """Return (seconds, action) of every fault, in order, and of the snapshots to which faults return."""

    def take_snapshot(fault: Fault) -> None:
        world.snapshots[fault.at] = world.database.snapshot()

    found = [(fault.at, partial(strike, world, fault)) for fault in faults]
    for fault in faults:
        if fault.kind == "lose_commits":
            found.append((max(0.0, fault.at - lost_seconds(fault)), partial(take_snapshot, fault)))
    return sorted(found, key=lambda event: event[0])


def recovers(world: World) -> bool:
    """Let time pass until every shard has been served for a while; return whether that while began in time."""
    healed = since = world.now
    while since <= healed + RECOVERY:
        world.run_for(0.1)
        if not world.served():
            since = world.now
        elif world.now >= since + STEADY:
            world.recovered_after = since - healed
            return True
    return False


def lose_an_owner(world: World) -> None:
    """Check that another coreapp takes over in time from an owner that crashes, freezes, or is cut off from everything."""
    node, grant = world.owners[int(world.rnd() * len(world.owners))]
    world.note("loses %s", node.name)
    world.random.choice((crash, freeze, cut_off))(world, node)
    if world.run_until(lambda: any(node is not one for one in world.connected_for(grant.shard)), TAKE_OVER) is None:
        world.fail(f"no coreapp took over from {node.name} within {TAKE_OVER} s")


def check_arrival(world: World) -> None:
    """Check that every message that was accepted until now arrives at the upstream, or gets another outcome."""
    now = [number for number in world.traffic.accepted if number in world.traffic.missing or world.waits(number)]

    def lost() -> list[int]:
        return [number for number in now if number in world.traffic.missing or world.waits(number)]

    if world.run_until(lambda: not lost(), world.arrival) is None:
        world.fail(f"accepted and not arrived after {world.arrival} s: {lost()}")


def live(seed: int, upstream: str = WEBSOCKET) -> World:
    """Run the schedule of a seed."""
    return run(schedule(seed, upstream))


def shrunk(life: Schedule) -> tuple[Schedule, Violation]:
    """Return a failing schedule without the faults that it does not need, and its violation. Raises ValueError."""
    violation = outcome(life)
    if violation is None:
        raise ValueError(f"seed {life.seed} does not fail")
    smaller = True
    while smaller:
        smaller = False
        for fault in life.faults:
            fewer = replace(life, faults=tuple(one for one in life.faults if one is not fault))
            if (found := outcome(fewer)) is not None:
                life, violation, smaller = fewer, found, True
    return life, violation


def outcome(life: Schedule) -> Violation | None:
    try:
        run(life)
    except Violation as violation:
        return violation
    return None
