"""A whole cluster in virtual time: the real control logic, on a simulated network, database and clocks. A seed decides everything.

What stands around the control logic here (who asks whom, and when) follows master.py and coreapp.py as thinly as possible. A process that is
stopped and later goes on (SIGSTOP) is left out: no process can disconnect while it does not run; there the upstream's refusal of old
epochs is what protects, and that is tested with the upstream.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from waba_node.control.lease import Lease, life
from waba_node.control.ownership import Grant, Ownership, recorded_window, window
from waba_node.control.promotion import Coreapp, Demotion, Promotion, Shard, plan

HEARTBEAT, UNHEALTHY = 1.0, 3.0
TICK = 0.1  # virtual seconds
LOST = 2.0  # seconds after which a call counts as unanswered
CLOCK_RATES = (0.96, 1.04)  # any two of them differ by less than the margin allows


class Violation(AssertionError):
    """An invariant does not hold; the message has the seed and what happened last."""


@dataclass
class Database:
    """The lease and the map, by its own clock, which is the simulation's."""

    shards: int
    holder: tuple[str, int] | None = None
    epoch: int = 0
    expires_at: float = 0.0
    paused: bool = False
    rows: dict[int, dict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows = {n: {"owner": None, "life": None, "epoch": 0, "fence": 0.0} for n in range(self.shards)}

    def take_lease(self, now: float, who: tuple[str, int], seconds: float) -> int | None:
        expired = now >= self.expires_at
        if not expired and self.holder != who:
            return None
        self.epoch += expired or self.holder != who
        self.holder, self.expires_at = who, now + seconds
        return self.epoch

    def read_map(self, now: float) -> list[Shard]:
        return [Shard(n, row["owner"], row["life"], row["epoch"], now >= row["fence"]) for n, row in self.rows.items()]

    def prove(self, now: float, grant: Grant, owner: tuple[str, str], seconds: float) -> bool:
        row = self.rows[grant.shard]
        if (row["owner"], row["life"], row["epoch"]) != (*owner, grant.epoch):
            return False
        row["fence"] = max(row["fence"], now + seconds)
        return True

    def promote(self, now: float, who: tuple[str, int], epoch: int, promotion: Promotion, seconds: float) -> bool:
        row = self.rows[promotion.shard]
        holds = self.holder == who and self.epoch == epoch and now < self.expires_at
        if not holds or row["epoch"] != promotion.epoch or now < row["fence"]:
            return False
        row.update(owner=promotion.node, life=promotion.incarnation, epoch=promotion.epoch + 1, fence=now + seconds)
        return True

    def demote(self, now: float, who: tuple[str, int], epoch: int, demotion: Demotion) -> bool:
        row = self.rows[demotion.shard]
        holds = self.holder == who and self.epoch == epoch and now < self.expires_at
        if not holds or row["epoch"] != demotion.epoch or row["owner"] is None:
            return False
        row.update(owner=None, life=None)
        return True

    def release(self, now: float, grant: Grant, life: str) -> None:
        row = self.rows[grant.shard]
        if row["epoch"] == grant.epoch and (row["owner"] is None or row["life"] == life):
            row.update(owner=None, life=None, fence=now)


@dataclass
class Process:
    """A node's process: alive or not, its life (incarnation), and its own clock."""

    name: str
    rate: float
    offset: float
    alive: bool = True
    life: int = 0

    def clock(self, now: float) -> float:
        return self.offset + now * self.rate


class Master(Process):
    """What a master knows."""

    def born(self) -> None:
        self.lease, self.asking = Lease(), False
        self.watched: dict[tuple[str, str], float] = {}
        self.answering: set[tuple[str, str]] = set()
        self.called = float("-inf")


class Node(Process):
    """What a coreapp knows, and whether it is connected."""

    def born(self) -> None:
        self.ownership, self.connected, self.asking = Ownership(), None, False
        self.looked = float("-inf")


class World:
    """One schedule. `run` raises Violation."""

    def __init__(self, seed: int, masters: int = 2, coreapps: int = 3, shards: int = 1) -> None:
        self.seed, self.random, self.now, self.trace = seed, random.Random(seed), 0.0, []
        self.queue: list[tuple[float, int, Callable[[], None]]] = []
        self.database = Database(shards)
        self.cut: set[frozenset[str]] = set()
        self.loss = self.random.choice([0.0, 0.05, 0.3])
        self.slowest = self.random.choice([0.05, 0.5, 1.5])
        self.masters = [self.process(Master, f"m{number}") for number in range(masters)]
        self.nodes = [self.process(Node, f"c{number}") for number in range(coreapps)]
        self.served = 0.0

    def process(self, kind: type, name: str) -> Process:
        process = kind(name, self.random.uniform(*CLOCK_RATES), self.random.uniform(0, 1000))
        process.born()
        return process

    # -- the network -------------------------------------------------------------------------------------------------

    def call(
        self, one: Process, other: str, ask: Callable, answered: Callable, failed: Callable = lambda: None
    ) -> None:
        """Let `one` call `other`: `ask` runs there, `answered` takes what it returns; each way may be slow, cut off or lost."""
        life, sent = one.life, self.now

        def arrive() -> None:
            if not self.reaches(one.name, other):
                return
            answer = ask()
            self.at(self.delay(), lambda: deliver(answer))

        def deliver(answer: object) -> None:
            if one.alive and one.life == life and self.reaches(one.name, other) and self.now - sent < LOST:
                done.append(True)
                answered(answer)

        def give_up() -> None:
            if one.alive and one.life == life and not done:
                failed()

        done: list[bool] = []
        self.at(self.delay(), arrive)
        self.at(LOST, give_up)

    def reaches(self, one: str, other: str) -> bool:
        paused = self.database.paused and "db" in (one, other)
        return not paused and frozenset((one, other)) not in self.cut and self.random.random() >= self.loss

    def delay(self) -> float:
        return self.random.uniform(0.001, self.slowest)

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self.queue, (self.now + seconds, self.random.getrandbits(62), action))

    # -- what the processes do ----------------------------------------------------------------------------------------

    def step_master(self, master: Master) -> None:
        clock, who = master.clock(self.now), (master.name, master.life)
        if master.lease.due(clock) and not master.asking:
            seconds, master.asking = life(HEARTBEAT, UNHEALTHY), True

            def answered(epoch: int | None) -> None:
                master.asking = False
                if epoch is None:
                    master.lease.refused(clock, seconds)
                else:
                    master.lease.granted(epoch, clock, seconds)

            def failed() -> None:
                master.asking = False
                master.lease.failed(master.clock(self.now))

            self.call(master, "db", lambda: self.database.take_lease(self.now, who, seconds), answered, failed)
        if clock - master.called >= HEARTBEAT:
            master.called = clock
            for node in self.nodes:
                self.beat(master, node)
            if master.lease.held(clock):
                self.call(
                    master, "db", lambda: self.database.read_map(self.now), lambda rows: self.manage(master, rows)
                )

    def beat(self, master: Master, node: Node) -> None:
        key = node.name, str(node.life)
        master.watched.setdefault(key, master.clock(self.now))

        def answered(alive: bool) -> None:
            if alive:
                master.watched[key] = master.clock(self.now)
                master.answering.add(key)

        self.call(master, node.name, lambda: node.alive and key[1] == str(node.life), answered)

    def manage(self, master: Master, rows: list[Shard]) -> None:
        clock = master.clock(self.now)
        peers = [one for one in self.masters if one is not master and one.alive and self.reaches(master.name, one.name)]
        seen = {}
        for node in self.nodes:
            key = node.name, str(node.life)
            by_peers = tuple(peer.clock(self.now) - peer.watched.get(key, peer.clock(self.now)) for peer in peers)
            unanswered = clock - master.watched.get(key, clock)
            seen[node.name] = Coreapp(*key, 0.0, unanswered, key in master.answering, by_peers)
        if not master.lease.held(clock):
            return
        promotions, demotions = plan(rows, seen, HEARTBEAT, UNHEALTHY)
        for promotion in promotions:
            self.promote(master, master.lease.epoch, promotion)
        for demotion in demotions:
            self.demote(master, master.lease.epoch, demotion)

    def promote(self, master: Master, epoch: int, promotion: Promotion) -> None:
        who, seconds = (master.name, master.life), recorded_window(UNHEALTHY)
        self.call(
            master,
            "db",
            lambda: self.database.promote(self.now, who, epoch, promotion, seconds),
            lambda done: self.note(f"{master.name} promoted {promotion.node}: {done}"),
        )

    def demote(self, master: Master, epoch: int, demotion: Demotion) -> None:
        who = master.name, master.life
        self.call(
            master,
            "db",
            lambda: self.database.demote(self.now, who, epoch, demotion),
            lambda done: self.note(f"{master.name} demoted the owner of {demotion.shard}: {done}"),
        )

    def step_node(self, node: Node) -> None:
        clock, ownership = node.clock(self.now), node.ownership
        if node.connected is not None and not ownership.may_be_connected(clock):
            ownership.lost()
            node.connected = None
            self.note(f"{node.name} disconnected")
        if node.asking:
            return
        if ownership.grant is None and clock - node.looked >= HEARTBEAT:
            node.looked = clock
            self.call(
                node, "db", lambda: self.owned(node), lambda row: row and self.prove(node, Grant(row.shard, row.epoch))
            )
        elif ownership.grant is not None and ownership.proof_due(clock):
            self.prove(node, ownership.grant)

    def owned(self, node: Node) -> Shard | None:
        rows = self.database.read_map(self.now)
        return next((row for row in rows if (row.owner, row.incarnation) == (node.name, str(node.life))), None)

    def prove(self, node: Node, grant: Grant) -> None:
        sent_at, owner, node.asking = node.clock(self.now), (node.name, str(node.life)), True

        def ask() -> bool:
            return self.database.prove(self.now, grant, owner, recorded_window(UNHEALTHY))

        def answered(holds: bool) -> None:
            node.asking = False
            if not holds:
                node.ownership.refused(grant)
                if node.connected == grant:
                    node.connected = None
                    self.note(f"{node.name} refused and disconnected")
                self.by_database_or_master(node, lambda: self.database.release(self.now, grant, owner[1]))
                return
            node.ownership.proven(grant, sent_at, window(UNHEALTHY))
            if node.connected is None and node.ownership.may_be_connected(node.clock(self.now)):
                node.connected = grant
                self.note(f"{node.name} connected, epoch {grant.epoch}")

        def failed() -> None:
            node.asking = False

        self.by_database_or_master(node, ask, answered, failed)

    def by_database_or_master(
        self, node: Node, ask: Callable, answered: Callable = lambda _: None, failed: Callable = lambda: None
    ) -> None:
        """Let a node ask the database or, when that does not answer, a master to ask it."""

        def by_a_master() -> None:
            master = self.random.choice(self.masters)
            reached = master.alive and self.reaches(node.name, master.name) and self.reaches(master.name, "db")
            self.call(
                node, f"db of {master.name}" if reached else "nowhere", ask if reached else nobody, answered, failed
            )

        def nobody() -> None:
            raise AssertionError("nobody is asked nowhere")

        self.cut.add(frozenset((node.name, "nowhere")))
        self.call(node, "db", ask, answered, by_a_master)

    # -- faults, time, invariants ---------------------------------------------------------------------------------------

    def fault(self) -> None:
        """Break or mend something."""
        everyone = [*self.masters, *self.nodes]
        process = self.random.choice(everyone)
        kind = self.random.choice(["crash", "start", "start", "cut", "isolate", "mend", "database"])
        if kind == "crash":
            process.alive = False
            if isinstance(process, Node):
                process.connected = None
        elif kind == "start" and not process.alive:
            process.alive, process.life = True, process.life + 1
            process.born()
        elif kind == "cut":
            other = self.random.choice(["db", *(one.name for one in everyone)])
            self.cut.add(frozenset((process.name, other)))
        elif kind == "isolate":  # no master reaches it, the database may
            self.cut.update(frozenset((process.name, master.name)) for master in self.masters)
        elif kind == "mend":
            self.cut.clear()
        elif kind == "database":
            self.database.paused = not self.database.paused
        self.note(f"{kind} {process.name}")

    def heal(self) -> None:
        """End every fault; every process runs."""
        self.cut.clear()
        self.database.paused, self.loss, self.slowest = False, 0.0, 0.05
        for process in (*self.masters, *self.nodes):
            if not process.alive:
                process.alive, process.life = True, process.life + 1
                process.born()
        self.note("healed")

    def note(self, what: str) -> None:
        self.trace.append(f"{self.now:7.1f} {what}")

    def check(self) -> None:
        acting = [one.name for one in self.masters if one.alive and one.lease.held(one.clock(self.now))]
        if len(acting) > 1:
            self.fail(f"two masters act as primary: {acting}")
        for shard in range(self.database.shards):
            connected = [one.name for one in self.nodes if one.alive and one.connected and one.connected.shard == shard]
            if len(connected) > 1:
                self.fail(f"two coreapps are connected for shard {shard}: {connected}")

    def fail(self, what: str) -> None:
        raise Violation(f"seed {self.seed}: {what}\n" + "\n".join(self.trace[-25:]))

    def run_for(self, seconds: float, faults: float = 0.0) -> None:
        """Let virtual time pass. faults: how many to expect a second."""
        until = self.now + seconds
        while self.now < until:
            self.now += TICK
            while self.queue and self.queue[0][0] <= self.now:
                heapq.heappop(self.queue)[2]()
                self.check()
            if self.random.random() < faults * TICK:
                self.fault()
            for process in (*self.masters, *self.nodes):
                if process.alive:
                    (self.step_master if isinstance(process, Master) else self.step_node)(process)
                self.check()

    def connected(self) -> int:
        return sum(one.alive and one.connected is not None for one in self.nodes)
