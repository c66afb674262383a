"""A simulated master: the real control logic inside as thin a shell as possible of what the package `master` does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from waba_node.control.failure_detector import FailureDetector
from waba_node.control.failure_detector import Process as Key
from waba_node.control.lease import RENEWALS_PER_DELAY, MasterLease, master_delay
from waba_node.control.observation import Observer
from waba_node.control.promotion import Plan, Promotion, Shard, plan

from .database import Lease
from .process import Process

if TYPE_CHECKING:
    from .coreapp import Coreapp

DB = ("db",)
LEASE = "lease"
READ_NODES = 0.5  # seconds
CALL_TIMEOUT = 2.0  # seconds
Reports = dict[str, tuple[str, float]]


class Master(Process):
    """See the module."""

    def start(self) -> None:
        """Start as secondary."""
        super().start()
        self.lease = MasterLease()
        self.lease_observer, self.map_observer = Observer(), Observer()
        self.registry = -1
        self.detector = FailureDetector()
        self.keep_lease()
        self.every(self.send_heartbeats)
        self.every(self.manage)

    @property
    def identity(self) -> tuple[str, str]:
        return self.name, self.life

    def acts(self) -> bool:
        """Return whether it acts as primary."""
        return self.alive and not self.frozen and self.lease.held(self.clock())

    # -- the lease -------------------------------------------------------------------------------------------------------

    def keep_lease(self) -> None:
        """Renew the lease, or read it and take it when it is free or was not renewed for its takeover delay."""
        sent_at, delay = self.clock(), master_delay(self.heartbeat, self.unhealthy)
        renewal, requested = self.lease.next_renewal(), self.lease.requested_delay(delay)
        master, epoch, database = self.identity, self.lease.epoch, self.world.database

        def answered(epoch: int | None) -> None:
            if epoch is None:
                self.lease.refused(sent_at, delay)
            else:
                self.lease.granted(epoch, sent_at, delay)
                self.world.check_single_primary()
            again()

        def failed() -> None:
            self.lease.failed(self.clock())
            again()

        def again() -> None:
            self.after(max(0.01, self.lease.next_try - self.clock()), self.keep_lease)

        def renew(epoch: int) -> None:
            def ask() -> int | None:
                return epoch if database.renew_lease(master, epoch, renewal, requested) else None

            self.world.call(self, DB, ask, answered, failed, patience)

        def found(lease: Lease) -> None:
            moment = self.clock()
            self.lease_observer.observe({LEASE: lease.counter}, moment)
            unchanged = self.lease_observer.unchanged(LEASE, moment)
            if lease.holder == master and not lease.free:
                renew(lease.epoch)  # of a request whose answer was lost
            elif lease.free or unchanged >= max(lease.delay, delay):
                observed = lease.counter
                ask = partial(database.take_lease, master, observed, renewal, requested)
                self.world.call(self, DB, ask, answered, failed, patience)
            else:
                answered(None)

        patience = min(CALL_TIMEOUT, delay / RENEWALS_PER_DELAY)
        if epoch is not None:
            renew(epoch)
        else:
            self.world.read(self, DB, database.read_lease, found, failed, patience)

    def stop(self, done: Callable[[], None]) -> None:
        self.lease.lost()
        master, database = self.identity, self.world.database
        self.world.call(self, DB, lambda: database.release_lease(master))
        done()

    # -- heartbeats ------------------------------------------------------------------------------------------------------

    def send_heartbeats(self) -> float:
        """Read the coreapps from the database, and call those that are due."""
        world, clock = self.world, self.clock()
        if world.open(self, DB) and self.registry != world.database.registry:
            self.registry = world.database.registry
            self.detector.watch([Key(name, life) for name, (life, _at) in world.database.reports.items()], clock)
        for process in self.detector.due(clock, self.heartbeat):
            self.send_heartbeat(world.coreapp(process.node))
        return min(READ_NODES, self.heartbeat / 4)

    def send_heartbeat(self, node: Coreapp) -> None:
        """Call a coreapp."""

        def answered(answer: tuple[tuple[str, str], bool]) -> None:
            process, able = answer
            if able:
                self.detector.answered(Key(*process), self.clock())

        self.world.read(self, (node.name,), node.status, answered, patience=min(CALL_TIMEOUT, self.heartbeat))

    # -- the shard map ---------------------------------------------------------------------------------------------------

    def manage(self) -> float:
        """Observe the map; as primary, plan and act. A plan may meet the next one, as when an answer is lost and the transaction is not."""
        database = self.world.database
        self.world.read(self, DB, lambda: (database.read_map(), database.read_reports(), database.wanted), self.act)
        return min(1.0, self.heartbeat / 2)

    def act(self, read: tuple[list[Shard], Reports, int]) -> None:
        rows, reports, wanted = read
        clock, world = self.clock(), self.world
        rows = self.map_observer.observe_map(rows, clock)
        if not self.lease.held(clock):
            return
        peers = [one for one in world.masters if one is not self and world.open(self, (one.name,))]
        silent = {Key(name, life): seconds for name, (life, seconds) in reports.items()}
        seen = self.detector.observe(silent, [peer.detector.unanswered(peer.clock()) for peer in peers], clock)
        self.carry_out(plan(rows, seen, self.heartbeat, self.unhealthy, wanted))

    def carry_out(self, due: Plan) -> None:
        """Write the plan into the map."""
        epoch = self.lease.epoch
        if epoch is None:
            return
        world, master, database = self.world, self.identity, self.world.database
        for promotion in due.promotions:
            ask: Callable[[], bool] = partial(database.promote, master, epoch, promotion)
            world.call(self, DB, ask, partial(self.promoted, promotion))
        for demotion in due.demotions:
            event = "%s demotes the owner of %d: %s"
            ask = partial(database.demote, master, epoch, demotion)
            world.call(self, DB, ask, partial(world.note, event, self.name, demotion.shard))
        if due.redraw is not None:
            world.call(self, DB, partial(database.redraw, master, epoch, due.redraw), self.redrawn)

    def promoted(self, promotion: Promotion, done: bool) -> None:
        self.world.note("%s promotes %s for %d: %s", self.name, promotion.node, promotion.shard, done)
        self.world.check_one_shard_each()
        if done:
            node = self.world.coreapp(promotion.node)
            self.world.call(self, (node.name,), node.read_map_now)

    def redrawn(self, done: bool) -> None:
        self.world.note("%s draws the map anew: %s", self.name, done)
        self.manage()

    def want(self, shards: int) -> None:
        """Take a client's request for another number of shards."""
        if self.lease.epoch is not None and self.lease.held(self.clock()):
            ask = partial(self.world.database.want, self.identity, self.lease.epoch, shards)
            self.world.call(self, DB, ask)
