"""A whole cluster in virtual time, on a simulated network, database and clocks. A seed decides everything.

A process that is frozen (SIGSTOP, a host that hangs) cannot disconnect, whatever the rule: then the upstream's refusal of older epochs is
what protects. So the frozen do not count as connected, but who thaws must know at once that its time is over.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from itertools import pairwise

from waba_node.control.ownership import Grant

from .database import Database
from .processes import Master, Node, Process, nothing

TICK = 0.1  # virtual seconds
PATIENCE = 2.0  # virtual seconds after which a call counts as unanswered
CLOCK_RATES = (0.96, 1.04)  # any two of them differ by less than the margin allows
FAST, DEFAULT = (1, 3), (5, 30)  # heartbeat_interval, unhealthy_interval
FAULTS = ("crash", "freeze", "stop", "start", "start", "thaw", "thaw", "cut", "isolate", "mend", "database", "settings")


class Violation(AssertionError):
    """An invariant does not hold; the message has the seed and what happened last."""


class World:
    """One cluster. Everything that lets time pass raises Violation."""

    def __init__(
        self,
        seed: int,
        masters: int = 2,
        coreapps: int = 3,
        shards: int = 1,
        settings: tuple[int, int] = FAST,
        calm: bool = False,
    ) -> None:
        self.seed, self.random, self.now, self.trace = seed, random.Random(seed), 0.0, []
        self.queue: list[tuple[float, int, Callable[[], None]]] = []
        self.settings, self.database, self.cut = settings, Database(shards), set()
        self.upstream = [0] * shards  # the newest epoch that each shard was connected with
        self.loss = 0.0 if calm else self.random.choice([0.0, 0.05, 0.3])
        self.slowest = 0.05 if calm else self.random.choice([0.05, 0.5, 1.5])
        self.masters = [Master(self, f"m{number}", *self.any_clock()) for number in range(masters)]
        self.nodes = [Node(self, f"c{number}", *self.any_clock()) for number in range(coreapps)]
        self.processes: dict[str, Process] = {one.name: one for one in (*self.masters, *self.nodes)}

    def any_clock(self) -> tuple[float, float]:
        return self.random.uniform(*CLOCK_RATES), self.random.uniform(0, 1000)

    # -- the network -------------------------------------------------------------------------------------------------

    def call(
        self,
        caller: Process,
        path: tuple[str, ...],
        ask: Callable,
        answered: Callable = nothing,
        failed: Callable = nothing,
        patience: float = PATIENCE,
    ) -> None:
        """Let a process call the end of a path, e.g. ("m0", "db") for the database by way of a master.

        `ask` runs there, `answered` takes what it returns; each way may be slow, cut off or lost, and a request may come twice.
        """
        lives, way, done = caller.lives, (caller.name, *path), []

        def arrive() -> None:
            if self.open(way):
                answer = ask()
                self.at(self.delay(), lambda: finish(lambda: answered(answer), back=True))

        def finish(action: Callable[[], None], back: bool = False) -> None:
            if done or not caller.alive or caller.lives != lives or (back and not self.open(way)):
                return
            if caller.frozen:  # it finds both, the answer and that time is up, when it thaws
                caller.backlog.append(lambda: finish(action))
                return
            done.append(True)
            action()

        self.at(self.delay(), arrive)
        if self.random.random() < self.loss / 2:
            self.at(3 * self.delay(), arrive)
        self.at(patience, lambda: finish(failed))

    def open(self, way: tuple[str, ...]) -> bool:
        """Return whether a message gets along a way now. Its first process is the sender, which need not run any more."""
        if self.database.paused and "db" in way:
            return False
        if not all(one.alive and not one.frozen for one in map(self.processes.get, way[1:]) if one is not None):
            return False
        hops = map(frozenset, pairwise(way))
        return all(hop not in self.cut and self.random.random() >= self.loss for hop in hops)

    def delay(self) -> float:
        return self.random.uniform(0.001, self.slowest)

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self.queue, (self.now + seconds, self.random.getrandbits(62), action))

    # -- faults --------------------------------------------------------------------------------------------------------

    def fault(self) -> None:
        """Break or mend something."""
        process, kind = self.random.choice(list(self.processes.values())), self.random.choice(FAULTS)
        if kind == "cut":
            self.cut.add(frozenset((process.name, self.random.choice(["db", *self.processes]))))
        elif kind == "mend":
            self.cut.clear()
        elif kind == "database":
            self.database.paused = not self.database.paused
        elif kind == "settings":
            self.change_settings(self.random.choice([FAST, (1, 2), (2, 6)]))
        else:
            getattr(self, kind)(process)
        self.note(f"{kind} {process.name}")

    def crash(self, process: Process) -> None:
        process.alive = False

    def freeze(self, process: Process) -> None:
        process.frozen = process.alive

    def thaw(self, process: Process) -> None:
        """Let a frozen process go on: with what waits for it, or with what it has to do, as it happens."""
        if process.frozen:
            process.frozen, backlog = False, process.backlog
            process.backlog = []
            actions = [process.step, *backlog]
            self.random.shuffle(actions)
            for action in actions:
                action()
            process.step()

    def start(self, process: Process) -> None:
        if not process.alive:
            process.alive, process.frozen, process.lives = True, False, process.lives + 1
            process.born()

    def stop(self, process: Process) -> None:
        if process.alive and not process.frozen:
            process.stop()
            process.alive = False

    def isolate(self, process: Process) -> None:
        """Cut a process off from every master; the database may still hear it."""
        self.cut.update(frozenset((process.name, master.name)) for master in self.masters if master is not process)

    def change_settings(self, settings: tuple[int, int]) -> None:
        """Every process hears of new settings, sooner or later."""
        self.settings = settings
        for process in self.processes.values():

            def hear(process: Process = process) -> None:
                process.heartbeat, process.unhealthy = self.settings

            self.at(self.random.uniform(0, 3), hear)

    def heal(self) -> None:
        """End every fault; every process runs, with the fast settings."""
        self.cut.clear()
        self.database.paused, self.loss, self.slowest = False, 0.0, 0.05
        for process in self.processes.values():
            self.thaw(process)
            self.start(process)
        self.change_settings(FAST)
        self.note("healed")

    # -- time and invariants -------------------------------------------------------------------------------------------

    def note(self, what: str) -> None:
        self.trace.append(f"{self.now:7.1f} {what}")

    def connected_upstream(self, node: Node, grant: Grant) -> None:
        """Take note of a new connection, which must be the newest of its shard."""
        self.note(f"{node.name} connected, epoch {grant.epoch}")
        if grant.epoch < self.upstream[grant.shard]:
            self.fail(f"{node.name} connects with an epoch older than {self.upstream[grant.shard]}")
        self.upstream[grant.shard] = grant.epoch

    def connected(self, shard: int) -> list[Node]:
        """Return the coreapps that run and are connected for a shard."""
        running = (node for node in self.nodes if node.alive and not node.frozen)
        return [node for node in running if node.connected is not None and node.connected.shard == shard]

    def served(self) -> int:
        """Return how many shards are connected."""
        return sum(bool(self.connected(shard)) for shard in range(self.database.shards))

    def check(self) -> None:
        acting = [one.name for one in self.masters if one.alive and not one.frozen and one.lease.held(one.clock())]
        if len(acting) > 1:
            self.fail(f"two masters act as primary: {acting}")
        named = [(row.owner, row.life) for row in self.database.rows if row.owner is not None]
        if len(named) > len(set(named)):
            self.fail(f"one process owns two shards: {named}")
        for shard in range(self.database.shards):
            connected = [node.name for node in self.connected(shard)]
            if len(connected) > 1:
                self.fail(f"two coreapps are connected for shard {shard}: {connected}")

    def fail(self, what: str) -> None:
        raise Violation(f"seed {self.seed}: {what}\n" + "\n".join(self.trace[-25:]))

    def run_for(self, seconds: float, faults: float = 0.0) -> None:
        """Let virtual time pass. faults: how many to expect a second."""
        self.run_until(lambda: False, seconds, faults)

    def run_until(self, condition: Callable[[], bool], seconds: float, faults: float = 0.0) -> float | None:
        """Let virtual time pass until a condition holds. Return after how many seconds that was, or None when it was not."""
        began = self.now
        while self.now < began + seconds:
            self.now += TICK
            self.database.now = self.now
            while self.queue and self.queue[0][0] <= self.now:
                heapq.heappop(self.queue)[2]()
            if self.random.random() < faults * TICK:
                self.fault()
            for process in self.processes.values():
                if process.alive and not process.frozen:
                    process.step()
            self.check()
            if condition():
                return self.now - began
        return None
