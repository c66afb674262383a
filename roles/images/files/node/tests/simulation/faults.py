"""The faults that can strike a cluster. They are drawn before a run, so that the run can be repeated with fewer of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product

from .coreapp import Coreapp
from .process import Process
from .upstream import UP
from .world import CLOCK_RATES, FAST, QUICK, World

KINDS = (
    "crash", "crash", "freeze", "freeze", "stop", "start", "start", "start", "thaw", "thaw", "thaw", "cut", "cut_off", "isolate", "divide",
    "repair", "repair", "pause_database", "resume_database", "resume_database", "restart_database", "settings", "settings", "drift", "network",
    "hang_up", "reshard", "reshard", "set_database_clock", "fail_over", "fail_over", "lose_commits",
)  # fmt: skip
CLOUD_KINDS = (*KINDS, *("upstream",) * 10)
CLOCK_JUMP = 25.0  # seconds: two clocks differ by less than the silence after which a coreapp is unhealthy
LOST = 2.0  # seconds: the greatest age of commits that a failover loses


@dataclass(frozen=True)
class Fault:
    """A fault at a moment (seconds). process, how: numbers from 0 to 1, by which a world chooses the process and the details."""

    at: float
    kind: str
    process: float
    how: float

    def __str__(self) -> str:
        return f"Fault({self.at:.3f}, {self.kind!r}, {self.process:.4f}, {self.how:.4f})"


def draw(source: random.Random, seconds: float, a_second: float, kinds: tuple[str, ...] = KINDS) -> list[Fault]:
    """Return random faults: `a_second` of them per second, for some seconds."""
    moments = sorted(source.uniform(0, seconds) for _number in range(round(seconds * a_second)))
    return [Fault(at, source.choice(kinds), source.random(), source.random()) for at in moments]


def strike(world: World, fault: Fault) -> None:
    """Let a fault strike."""
    processes = list(world.processes.values())
    process = processes[int(fault.process * len(processes))]
    world.note("%s %s %.2f", fault.kind, process.name, fault.how)
    if fault.kind == "lose_commits":
        lose_commits(world, fault)
    else:
        FAULTS[fault.kind](world, process, fault.how)


def crash(world: World, process: Process, _how: float = 0) -> None:
    """End a process at once."""
    if process.alive:
        process.alive = process.frozen = False
        process.lives += 1
        process.stopping = False
        if isinstance(process, Coreapp) and process.connected is not None:
            world.record_disconnected(process)
            process.cut_session()
        process.end()


def freeze(_world: World, process: Process, _how: float = 0) -> None:
    """Suspend a process."""
    process.frozen = process.alive


def thaw(world: World, process: Process, _how: float = 0) -> None:
    """Let a frozen process continue, with what waits for it in any order."""
    if process.frozen:
        process.frozen, backlog = False, process.backlog
        process.backlog = []
        world.random.shuffle(backlog)
        for action in backlog:
            action()
        world.check_after_thaw(process)


def start(_world: World, process: Process, _how: float = 0) -> None:
    """Start a process that has ended."""
    if not process.alive:
        process.alive, process.lives = True, process.lives + 1
        process.start()


def stop(world: World, process: Process, _how: float = 0) -> None:
    """Stop in good order: the process hands over, then it ends."""
    if process.alive and not process.frozen and not process.stopping:
        process.stopping = True
        process.stop(partial(crash, world, process))


def cut(world: World, process: Process, how: float) -> None:
    """Cut one line of a process."""
    others = ["db", UP, *world.processes]
    world.separate(process.name, others[int(how * len(others))])


def cut_off(world: World, process: Process, _how: float = 0) -> None:
    """Cut a process off from everything."""
    for other in ("db", UP, *world.processes):
        world.separate(process.name, other)


def isolate(world: World, process: Process, _how: float = 0) -> None:
    """Cut a process off from every master; it may still reach the database."""
    for master in world.masters:
        if master is not process:
            world.separate(process.name, master.name)


def divide(world: World, _process: Process, how: float) -> None:
    """Divide the network in two; the database is on one side."""
    sides: tuple[list[str], list[str]] = (["db"], [])
    for number, name in enumerate(world.processes):
        sides[int(how * (1 << 16)) >> number & 1].append(name)
    for one, other in product(*sides):
        world.separate(one, other)


def repair(world: World, _process: Process, _how: float = 0) -> None:
    """Repair every line."""
    world.cut.clear()


def settings(world: World, _process: Process, how: float) -> None:
    """Change heartbeat_interval and unhealthy_interval."""
    world.change_settings((FAST, (1, 2), (2, 6))[int(how * 3)])


def drift(world: World, process: Process, how: float) -> None:
    """Change the rate of a process's clock."""
    slowest, fastest = CLOCK_RATES
    process.drift(slowest + how * (fastest - slowest))
    if isinstance(process, Coreapp) and process.connected is not None and not process.frozen:
        process.fence()


def network(world: World, _process: Process, how: float) -> None:
    """Change the quality of the network: good, slow, lossy, or both."""
    world.loss = (0.0, 0.0, 0.05, 0.3)[int(how * 4)]
    world.slowest = (QUICK, 0.5, 1.5)[int(how * 12) % 3]


def hang_up(world: World, _process: Process, how: float) -> None:
    """Let the upstream end a connection."""
    world.upstream.hang_up(int(how * len(world.database.rows)))


def upstream(world: World, _process: Process, how: float) -> None:
    """Change how the upstream answers."""
    world.upstream.change(how)


def reshard(world: World, _process: Process, how: float) -> None:
    """Let a client ask the primary master for another number of shards."""
    for master in world.masters:
        if master.acts():
            master.want((1, 2, 4)[int(how * 3)])


def database_clock(how: float) -> float:
    """Return by how many seconds the database's clock differs from the true time."""
    return CLOCK_JUMP * (2 * (64 * how % 1) - 1)


def fail_over(world: World, _process: Process, how: float) -> None:
    """Let another member of the database take over, with its own clock."""
    world.database.fail_over(3 * how, database_clock(how))


def lost_seconds(fault: Fault) -> float:
    """Return how old the oldest commits are that a failover loses."""
    return LOST * (16 * fault.how % 1)


def lose_commits(world: World, fault: Fault) -> None:
    """Let a member of the database take over that lacks the last commits."""
    world.database.return_to(world.snapshots[fault.at])
    world.traffic.forget_lost()
    world.forget_lost()
    fail_over(world, world.nodes[0], fault.how)


FAULTS: dict[str, Callable[[World, Process, float], None]] = {
    "crash": crash,
    "freeze": freeze,
    "thaw": thaw,
    "start": start,
    "stop": stop,
    "cut": cut,
    "cut_off": cut_off,
    "isolate": isolate,
    "divide": divide,
    "repair": repair,
    "pause_database": lambda world, _process, _how: world.database.pause(),
    "resume_database": lambda world, _process, _how: world.database.resume(),
    "restart_database": lambda world, _process, how: world.database.restart(3 * how),
    "set_database_clock": lambda world, _process, how: world.database.set_clock(database_clock(how)),
    "fail_over": fail_over,
    "settings": settings,
    "drift": drift,
    "network": network,
    "hang_up": hang_up,
    "reshard": reshard,
    "upstream": upstream,
}


def heal(world: World) -> None:
    """End every fault: every process runs, with the fast settings. The database's clock stays as it is."""
    world.cut.clear()
    world.loss, world.slowest = 0.0, QUICK
    world.database.resume()
    world.database.down_until = world.now
    for process in world.processes.values():
        thaw(world, process)
        if process.stopping:
            crash(world, process)
        start(world, process)
    world.change_settings(FAST)
    world.upstream.heal()
    world.note("healed")
