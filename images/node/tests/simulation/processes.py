"""The simulated processes: the real control logic, and around it, as thinly as possible, what master.py and coreapp.py do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from waba_node.control.lease import RENEWALS_PER_LIFE, Lease, life
from waba_node.control.ownership import Grant, Ownership, patience, recorded_window, window
from waba_node.control.promotion import REPORT_INTERVAL, Coreapp, Promotion, Shard, plan

if TYPE_CHECKING:
    from .world import World

NEVER = float("-inf")
LOOK_AT_DATABASE = 1.0  # seconds


def nothing(_answer: object = None) -> None:
    """Take an answer, or that none came, and do nothing about it."""


class Process:
    """A node's process: its life (incarnation), whether it runs, and its own clock."""

    def __init__(self, world: World, name: str, rate: float, offset: float) -> None:
        self.world, self.name, self.rate, self.offset = world, name, rate, offset
        self.alive, self.frozen, self.lives = True, False, 1
        self.backlog: list[Callable[[], None]] = []  # what arrived while it was frozen
        self.born()

    @property
    def life(self) -> str:
        return str(self.lives)

    def clock(self) -> float:
        return self.offset + self.world.now * self.rate

    def born(self) -> None:
        """Forget everything."""
        self.heartbeat, self.unhealthy = self.world.settings
        self.backlog.clear()

    def step(self) -> None:
        """Do what is due now."""

    def stop(self) -> None:
        """Hand over what it holds, as on SIGTERM."""


class Master(Process):
    """What a master knows and does."""

    def born(self) -> None:
        super().born()
        self.lease, self.asking = Lease(), False
        self.watched: dict[tuple[str, str], float] = {}
        self.answering: set[tuple[str, str]] = set()
        self.called: dict[tuple[str, str], float] = {}
        self.looked = self.managed = NEVER

    @property
    def who(self) -> tuple[str, str]:
        return self.name, self.life

    def step(self) -> None:
        clock = self.clock()
        if self.lease.due(clock) and not self.asking:
            self.take_lease()
        if clock - self.looked >= min(0.5, self.heartbeat / 4):
            self.looked = clock
            self.world.call(self, ("db",), lambda: dict(self.world.database.reports), self.observed)
            self.beat_hearts(clock)
        if clock - self.managed >= min(1.0, self.heartbeat / 2) and self.lease.held(clock):
            self.managed = clock
            database = self.world.database
            self.world.call(self, ("db",), lambda: (database.read_map(), dict(database.reports)), self.manage)

    def take_lease(self) -> None:
        sent_at, seconds, self.asking = self.clock(), life(self.heartbeat, self.unhealthy), True

        def answered(epoch: int | None) -> None:
            self.asking = False
            if epoch is None:
                self.lease.refused(sent_at, seconds)
            else:
                self.lease.granted(epoch, sent_at, seconds)

        def failed() -> None:
            self.asking = False
            self.lease.failed(self.clock())

        who, patience = self.who, min(2.0, seconds / RENEWALS_PER_LIFE)
        self.world.call(self, ("db",), lambda: self.world.database.take_lease(who, seconds), answered, failed, patience)

    def beat_hearts(self, clock: float) -> None:
        for key in self.watched:
            if clock - self.called.get(key, NEVER) >= self.heartbeat:
                self.called[key] = clock
                self.beat(self.world.processes[key[0]])

    def beat(self, node: Node) -> None:
        def answered(answer: tuple[str, bool]) -> None:
            key = node.name, answer[0]
            if answer[1] and key in self.watched:
                self.watched[key] = self.clock()
                self.answering.add(key)

        patience = min(2.0, self.heartbeat)
        self.world.call(self, (node.name,), lambda: (node.life, node.able), answered, patience=patience)

    def observed(self, reports: dict[str, tuple[str, float]]) -> None:
        keys = [(name, report[0]) for name, report in reports.items()]  # no set: its order would differ from run to run
        self.watched = {key: self.watched.get(key, self.clock()) for key in keys}
        self.answering &= self.watched.keys()

    def manage(self, read: tuple[list[Shard], dict[str, tuple[str, float]]]) -> None:
        rows, reports = read
        clock, world = self.clock(), self.world
        peers = [one for one in world.masters if one is not self and world.open((self.name, one.name))]
        self.observed(reports)
        if not self.lease.held(clock):
            return
        seen = {}
        for name, (incarnation, reported) in reports.items():
            key = name, incarnation
            by_peers = tuple(peer.clock() - peer.watched.get(key, peer.clock()) for peer in peers)
            silent = world.now - reported
            seen[name] = Coreapp(*key, silent, clock - self.watched[key], key in self.answering, by_peers)
        who, epoch, database = self.who, self.lease.epoch, world.database
        seconds = recorded_window(self.unhealthy)
        promotions, demotions = plan(rows, seen, self.heartbeat, self.unhealthy)
        for promotion in promotions:
            world.call(
                self,
                ("db",),
                lambda one=promotion: database.promote(who, epoch, one, seconds),
                lambda done, one=promotion: self.promoted(one, done),
            )
        for demotion in demotions:
            world.call(
                self,
                ("db",),
                lambda one=demotion: database.demote(who, epoch, one),
                lambda done, one=demotion: world.note(f"{self.name} demoted the owner of {one.shard}: {done}"),
            )

    def promoted(self, promotion: Promotion, done: bool) -> None:
        self.world.note(f"{self.name} promoted {promotion.node}: {done}")
        if done:
            node = self.world.processes[promotion.node]
            self.world.call(self, (node.name,), node.look_now)

    def stop(self) -> None:
        self.lease.lost()
        who = self.who
        self.world.call(self, ("db",), lambda: self.world.database.release_lease(who))


class Node(Process):
    """What a coreapp knows and does."""

    def born(self) -> None:
        super().born()
        self.ownership, self.connected, self.asking = Ownership(), None, False
        self.able, self.probed, self.reported, self.looked = True, NEVER, NEVER, NEVER

    def step(self) -> None:
        clock, database = self.clock(), self.world.database
        if self.connected is not None and not self.ownership.may_be_connected(clock):
            self.ownership.lost()
            self.disconnect("had no proof")
        if clock - self.probed >= LOOK_AT_DATABASE:
            self.probed = clock
            self.world.call(
                self, ("db",), nothing, lambda _: self.can(True), lambda: self.can(False), patience=LOOK_AT_DATABASE
            )
        if clock - self.reported >= REPORT_INTERVAL:
            life, self.reported = self.life, clock
            self.world.call(self, ("db",), lambda: database.report(self.name, life), failed=self.report_again)
        if self.asking:
            return
        if self.ownership.grant is None and clock - self.looked >= self.heartbeat:
            self.looked, life = clock, self.life
            self.world.call(self, ("db",), lambda: self.owned(life), self.found)
        elif self.ownership.proof_due(clock) and self.ownership.grant is not None:
            self.prove(self.ownership.grant)

    def can(self, able: bool) -> None:
        self.able = able

    def look_now(self) -> None:
        self.looked = NEVER

    def report_again(self) -> None:
        self.reported = NEVER

    def owned(self, life: str) -> Shard | None:
        rows = self.world.database.read_map()
        return next((row for row in rows if (row.owner, row.incarnation) == (self.name, life)), None)

    def found(self, row: Shard | None) -> None:
        if row is not None and self.ownership.grant is None and not self.asking:
            self.prove(Grant(row.shard, row.epoch))

    def patience(self) -> float:
        return patience(self.unhealthy)

    def prove(self, grant: Grant) -> None:
        sent_at, life, unhealthy, self.asking = self.clock(), self.life, self.unhealthy, True
        database, seconds = self.world.database, recorded_window(unhealthy)

        def answered(holds: bool) -> None:
            self.asking = False
            if not holds:
                self.ownership.refused(grant)
                if self.connected == grant:
                    self.disconnect("was refused")
                self.by_any_way(lambda: database.release(grant, life))
                return
            self.ownership.proven(grant, sent_at, window(unhealthy))
            if self.connected is None and self.ownership.may_be_connected(self.clock()):
                self.connected = grant
                self.world.connected_upstream(self, grant)

        def failed() -> None:
            self.asking = False

        self.by_any_way(lambda: database.prove(grant, self.name, life, seconds), answered, failed)

    def by_any_way(self, ask: Callable, answered: Callable = nothing, failed: Callable = nothing) -> None:
        """Ask the database or, when that does not answer, by way of the masters."""

        def by_a_master() -> None:
            master = self.world.random.choice(self.world.masters)
            self.world.call(self, (master.name, "db"), ask, answered, failed, self.patience())

        self.world.call(self, ("db",), ask, answered, by_a_master, self.patience())

    def disconnect(self, why: str) -> None:
        self.connected = None
        self.world.note(f"{self.name} {why} and disconnected")

    def stop(self) -> None:
        grant, life = self.ownership.grant, self.life
        self.ownership.draining = True
        if self.connected is not None:
            self.disconnect("hands over")
        if grant is not None:
            self.by_any_way(lambda: self.world.database.leave(self.name, life, grant))
