"""The simulated database: the lease, the shard map, the reports and the messages, by its own clock, which is the simulation's.

It does what the store does with leases, nodes, ownership and outbox do; each method is one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from waba_node.control.ownership import Grant
from waba_node.control.promotion import Demotion, Promotion, Redraw, Shard
from waba_node.control.sharding import bucket_of, redrawn, refusal

Who = tuple[str, str]  # name and life of a process
ACCEPTED, SENT = "accepted", "sent"


@dataclass
class Row:
    """A row of the shard map."""

    owner: str | None = None
    life: str | None = None
    epoch: int = 0
    renewal: int = 0
    delay: float = 0.0  # the takeover delay in seconds
    released: int = 0  # the epoch whose owner has disconnected

    def release(self) -> None:
        """Record that nobody is connected."""
        self.owner = self.life = None
        self.released = self.epoch


@dataclass(frozen=True)
class Lease:
    """The master lease. delay: the takeover delay in seconds."""

    holder: Who | None
    epoch: int
    renewal: int
    delay: float
    free: bool

    @property
    def counter(self) -> tuple[int, int]:
        return self.epoch, self.renewal


@dataclass
class Message:
    """A row of the messages."""

    id: int
    recipient: str
    position: int = 0
    status: str = ACCEPTED
    bucket: int = field(init=False)

    def __post_init__(self) -> None:
        self.bucket = bucket_of(self.recipient)


@dataclass
class Database:
    """See the module. `later`: runs a function some time from now, for what is committed a while after it was begun."""

    shards: int
    later: Callable[[Callable[[], None]], None]
    now: float = 0.0
    paused: bool = False
    down_until: float = 0.0
    starts: int = 0  # a transaction that began before the last one is lost, its connection too
    held: list[Callable[[], None]] = field(default_factory=list)  # what arrived while it was paused

    lease: Lease = field(default_factory=lambda: Lease(None, 0, 0, 0.0, free=True))
    wanted: int = 0
    rows: list[Row] = field(default_factory=list)
    reports: dict[str, tuple[str, float]] = field(default_factory=dict)  # name -> (life, when)
    registry: int = 0  # grows when somebody comes or goes
    messages: dict[int, Message] = field(default_factory=dict)
    waiting: dict[int, Message] = field(default_factory=dict)  # those of them that nobody has confirmed
    position: int = 0

    def __post_init__(self) -> None:
        self.rows = [Row() for _shard in range(self.shards)]
        self.wanted = self.shards

    # -- the server --------------------------------------------------------------------------------------------------

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused, held, self.held = False, self.held, []
        for request in held:
            request()

    def restart(self, seconds: float) -> None:
        """Lose every connection and what is not committed; refuse connections for some seconds."""
        self.starts += 1
        self.down_until = self.now + seconds
        self.paused, self.held = False, []

    # -- the lease ---------------------------------------------------------------------------------------------------

    def renew_lease(self, who: Who, epoch: int, renewal: int, delay: float) -> bool:
        if not self.holds(who, epoch) or renewal <= self.lease.renewal:
            return False
        self.lease = replace(self.lease, renewal=renewal, delay=delay)
        return True

    def take_lease(self, who: Who, observed: tuple[int, int], renewal: int, delay: float) -> int | None:
        """Take the lease unless it has changed since it was observed."""
        if self.lease.counter != observed:
            return None
        self.lease = Lease(who, self.lease.epoch + 1, renewal, delay, free=False)
        return self.lease.epoch

    def release_lease(self, who: Who) -> None:
        if self.lease.holder == who:
            self.lease = replace(self.lease, free=True)

    def holds(self, who: Who, epoch: int) -> bool:
        return (self.lease.holder, self.lease.epoch, self.lease.free) == (who, epoch, False)

    # -- the nodes and the map -----------------------------------------------------------------------------------------

    def report(self, name: str, life: str) -> None:
        """Report; a new life registers, which releases what the former one held."""
        former = self.reports.get(name, ("",))[0]
        self.registry += former != life
        if former not in ("", life):
            for row in self.rows:
                if row.owner == name and row.life != life:
                    row.release()
        self.reports[name] = life, self.now

    def read_map(self) -> list[Shard]:
        return [
            Shard(n, row.owner, row.life, row.epoch, row.released == row.epoch, row.renewal, row.delay)
            for n, row in enumerate(self.rows)
        ]

    def owners(self) -> list[str | None]:
        return [row.owner for row in self.rows]

    def owned(self, name: str, life: str) -> Grant | None:
        for shard, row in enumerate(self.rows):
            if row.owner == name and row.life == life:
                return Grant(shard, row.epoch, len(self.rows))
        return None

    def row(self, shard: int, epoch: int) -> Row | None:
        """Return the row of a shard, unless the map has moved on."""
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

    def demote(self, who: Who, epoch: int, demotion: Demotion) -> bool:
        row = self.row(demotion.shard, demotion.epoch)
        if not self.holds(who, epoch) or row is None or row.owner is None:
            return False
        row.owner = row.life = None
        return True

    def promote(self, who: Who, epoch: int, promotion: Promotion) -> bool:
        row = self.row(promotion.shard, promotion.counter[0])
        if not self.holds(who, epoch) or row is None or row.renewal != promotion.counter[1]:
            return False
        if self.owned(promotion.node, promotion.incarnation) is not None:
            return False
        row.owner, row.life = promotion.node, promotion.incarnation
        row.epoch, row.renewal, row.delay = row.epoch + 1, 0, 0.0
        return True

    def want(self, who: Who, epoch: int, shards: int) -> bool:
        """Ask for another number of shards."""
        if not self.holds(who, epoch) or refusal(shards, len(self.reports)) is not None:
            return False
        self.wanted = shards
        return True

    def redraw(self, who: Who, epoch: int, due: Redraw) -> bool:
        """Draw the map anew."""
        observed = [row.counter for row in due.rows]
        drawn = redrawn(due.rows, due.shards)
        if not self.holds(who, epoch) or [(row.epoch, row.renewal) for row in self.rows] != observed:
            return False
        if drawn is None or self.wanted != due.shards:
            return False
        self.rows = [Row(epoch=row.epoch, released=row.epoch) for row in drawn]
        return True

    # -- messages ------------------------------------------------------------------------------------------------------

    def store(self, messages: list[Message], done: Callable[[bool], None]) -> None:
        """Store messages, those that are new. They have their positions at once and are there a while later, unless the server restarts.

        done: called then, with whether they were stored.
        """
        rows = []  # its own: of a message that is there already, asked for once more, nothing changes
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
        """Return messages of a shard that are not confirmed, in the order of their positions, from a position on."""
        found = [
            message
            for message in self.waiting.values()
            if message.position > after and message.bucket % grant.of == grant.shard
        ]
        return sorted(found, key=lambda message: message.position)[:limit]

    def confirm(self, ids: list[int]) -> None:
        """Record that messages were sent."""
        for number in ids:
            self.messages[number].status = SENT
            self.waiting.pop(number, None)
