"""The simulated database: the lease, the shard map, the reports and the messages.

Each method is one transaction, as in store/master_lease.py, node_registry.py, ownership.py, resharding.py and outbox.py.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from waba_node.control.lease import takeover_delay
from waba_node.control.ownership import Grant, fencing_window
from waba_node.control.promotion import Demotion, Promotion, Redraw, Shard
from waba_node.control.sharding import bucket_of, redrawn, refusal

from .database_server import DatabaseServer

Identity = tuple[str, str]  # name and incarnation of a process
ACCEPTED, SENT = "accepted", "sent"
EPOCH_JUMP = 1000  # more promotions than there are in the commits that a failover may lose
LONGEST_UNHEALTHY = 6  # seconds: the longest unhealthy_interval of the schedules


@dataclass
class Row:
    """A row of the shard map. delay: the takeover delay in seconds. released: the epoch whose owner has disconnected."""

    owner: str | None = None
    life: str | None = None
    epoch: int = 0
    renewal: int = 0
    delay: float = 0.0
    released: int = 0

    def release(self) -> None:
        """Record that the owner has disconnected."""
        self.owner = self.life = None
        self.released = self.epoch


@dataclass(frozen=True)
class Lease:
    """The master lease. delay: the takeover delay in seconds."""

    holder: Identity | None
    epoch: int
    renewal: int
    delay: float
    free: bool

    @property
    def counter(self) -> tuple[int, int]:
        return self.epoch, self.renewal


@dataclass
class Message:
    """A stored message."""

    id: int
    recipient: str
    position: int = 0
    status: str = ACCEPTED
    bucket: int = field(init=False)

    def __post_init__(self) -> None:
        self.bucket = bucket_of(self.recipient)


@dataclass
class Snapshot:
    """The state of a member of the database that lacks the last commits."""

    lease: Lease
    wanted: int
    rows: list[Row]
    messages: dict[int, Message]
    position: int


@dataclass(kw_only=True)
class Database(DatabaseServer):
    """See the module. later: runs a function some time from now, for commits that come a while after their transaction began."""

    shards: int
    later: Callable[[Callable[[], None]], None]

    lease: Lease = field(default_factory=lambda: Lease(None, 0, 0, 0.0, free=True))
    wanted: int = 0
    rows: list[Row] = field(default_factory=list)
    reports: dict[str, tuple[str, float]] = field(default_factory=dict)  # name -> (incarnation, the server's time)
    registry: int = 0  # increases with every registration and removal
    messages: dict[int, Message] = field(default_factory=dict)
    waiting: dict[int, Message] = field(default_factory=dict)  # those of them that are not confirmed
    position: int = 0
    lost: set[int] = field(default_factory=set)  # messages that a failover has lost

    def __post_init__(self) -> None:
        self.rows = [Row() for _shard in range(self.shards)]
        self.wanted = self.shards

    # -- the loss of the last commits ------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Return the present state. Reports are not part of it: they are repeated every minute, and no safety rule uses them."""
        messages = {number: copy.copy(message) for number, message in self.messages.items()}
        return Snapshot(self.lease, self.wanted, [copy.copy(row) for row in self.rows], messages, self.position)

    def return_to(self, earlier: Snapshot) -> None:
        """Lose every commit since a snapshot, and let epochs jump as a restore does, before any node is answered."""
        self.lost |= self.messages.keys() - earlier.messages.keys()
        self.lease, self.wanted, self.rows, self.position = (
            earlier.lease,
            earlier.wanted,
            earlier.rows,
            earlier.position,
        )
        self.messages = earlier.messages
        self.waiting = {number: one for number, one in self.messages.items() if one.status == ACCEPTED}
        self.jump_epochs()

    def jump_epochs(self) -> None:
        """Void every grant, every lease and every observation; owners under the lost commits may be connected for the longest delay."""
        delay = takeover_delay(fencing_window(LONGEST_UNHEALTHY))
        self.lease = Lease(None, self.lease.epoch + EPOCH_JUMP, 0, delay, free=False)
        self.rows = [Row(epoch=row.epoch + EPOCH_JUMP, delay=delay) for row in self.rows]

    # -- the lease ---------------------------------------------------------------------------------------------------

    def read_lease(self) -> Lease:
        return self.lease

    def renew_lease(self, master: Identity, epoch: int, renewal: int, delay: float) -> bool:
        if not self.holds(master, epoch) or renewal <= self.lease.renewal:
            return False
        self.lease = replace(self.lease, renewal=renewal, delay=delay)
        return True

    def take_lease(self, master: Identity, observed: tuple[int, int], renewal: int, delay: float) -> int | None:
        """Take the lease unless it has changed since it was observed."""
        if self.lease.counter != observed:
            return None
        self.lease = Lease(master, self.lease.epoch + 1, renewal, delay, free=False)
        return self.lease.epoch

    def release_lease(self, master: Identity) -> None:
        if self.lease.holder == master:
            self.lease = replace(self.lease, free=True)

    def holds(self, master: Identity, epoch: int) -> bool:
        return (self.lease.holder, self.lease.epoch, self.lease.free) == (master, epoch, False)

    # -- the nodes and the map -----------------------------------------------------------------------------------------

    def report(self, name: str, life: str) -> None:
        """Report; a new process registers, which releases the shard of the former one."""
        former = self.reports.get(name, ("",))[0]
        self.registry += former != life
        if former not in ("", life):
            for row in self.rows:
                if row.owner == name and row.life != life:
                    row.release()
        self.reports[name] = life, self.time()

    def read_map(self) -> list[Shard]:
        return [
            Shard(n, row.owner, row.life, row.epoch, row.released == row.epoch, row.renewal, row.delay)
            for n, row in enumerate(self.rows)
        ]

    def read_reports(self) -> dict[str, tuple[str, float]]:
        """Return name -> (incarnation, seconds since the last report by the server's clock)."""
        time = self.time()
        return {name: (life, time - reported_at) for name, (life, reported_at) in self.reports.items()}

    def owners(self) -> list[str | None]:
        """Return the owner of every shard."""
        return [row.owner for row in self.rows]

    def owned(self, name: str, life: str) -> Grant | None:
        for shard, row in enumerate(self.rows):
            if row.owner == name and row.life == life:
                return Grant(shard, row.epoch, len(self.rows))
        return None

    def row(self, shard: int, epoch: int) -> Row | None:
        """Return the row of a shard, or None when its epoch is another."""
        if shard < len(self.rows) and self.rows[shard].epoch == epoch:
            return self.rows[shard]
        return None

    def renew(self, grant: Grant, name: str, life: str, renewal: int, delay: float) -> bool:
        row = self.row(grant.shard, grant.epoch)
        if row is None or (row.owner, row.life) != (name, life):
            return False
        if renewal > row.renewal:
            row.renewal, row.delay = renewal, delay
        return True

    def release(self, grant: Grant, life: str) -> None:
        row = self.row(grant.shard, grant.epoch)
        if row is not None and (row.owner is None or row.life == life):
            row.release()

    def leave(self, name: str, life: str, grant: Grant | None) -> None:
        if self.reports.get(name, ("",))[0] == life:
            del self.reports[name]
            self.registry += 1
        if grant is not None:
            self.release(grant, life)

    def demote(self, master: Identity, epoch: int, demotion: Demotion) -> bool:
        row = self.row(demotion.shard, demotion.epoch)
        if not self.holds(master, epoch) or row is None or row.owner is None:
            return False
        row.owner = row.life = None
        return True

    def promote(self, master: Identity, epoch: int, promotion: Promotion) -> bool:
        row = self.row(promotion.shard, promotion.counter[0])
        if not self.holds(master, epoch) or row is None or row.renewal != promotion.counter[1]:
            return False
        if self.owned(promotion.node, promotion.incarnation) is not None:
            return False
        row.owner, row.life = promotion.node, promotion.incarnation
        row.epoch, row.renewal, row.delay = row.epoch + 1, 0, 0.0
        return True

    def want(self, master: Identity, epoch: int, shards: int) -> bool:
        """Ask for another number of shards."""
        if not self.holds(master, epoch) or refusal(shards, len(self.reports)) is not None:
            return False
        self.wanted = shards
        return True

    def redraw(self, master: Identity, epoch: int, due: Redraw) -> bool:
        """Draw the map anew."""
        observed = [row.counter for row in due.rows]
        drawn = redrawn(due.rows, due.shards)
        if not self.holds(master, epoch) or [(row.epoch, row.renewal) for row in self.rows] != observed:
            return False
        if drawn is None or self.wanted != due.shards:
            return False
        self.rows = [Row(epoch=row.epoch, released=row.epoch) for row in drawn]
        return True

    # -- messages ------------------------------------------------------------------------------------------------------

    def store(self, messages: list[Message], done: Callable[[bool], None]) -> None:
        """Store the messages that are new. They have their positions at once and are visible a while later, unless the server restarts.

        done: called then, with whether they were stored.
        """
        rows = []  # its own: a message that is stored already stays as it is
        for message in messages:
            self.position += 1
            rows.append(Message(message.id, message.recipient, self.position))
        starts = self.starts

        def commit() -> None:
            if self.starts == starts:
                for row in rows:
                    if row.id not in self.messages:
                        self.messages[row.id] = self.waiting[row.id] = row
            done(self.starts == starts)

        self.later(commit)

    def unsent(self, grant: Grant, after: int, limit: int) -> list[Message]:
        """Return unconfirmed messages of a shard after a position, in the order of their positions."""
        found = [
            message
            for message in self.waiting.values()
            if message.position > after and message.bucket % grant.of == grant.shard
        ]
        return sorted(found, key=lambda message: message.position)[:limit]

    def confirm(self, ids: list[int]) -> None:
        """Record that messages were sent."""
        for number in ids:
            if number in self.messages:
                self.messages[number].status = SENT
                self.waiting.pop(number, None)
