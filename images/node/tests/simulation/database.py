"""The simulated database: the lease, the shard map, the reports and the messages, by its own clock, which is the simulation's.

It does what the store does with leases, nodes, ownership and outbox do; each method is one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from waba_node.control.ownership import Grant
from waba_node.control.promotion import Demotion, Promotion, Shard
from waba_node.control.sharding import bucket_of, redrawn, refusal

Who = tuple[str, str]  # name and life of a process
ACCEPTED, SENT = "accepted", "sent"


@dataclass
class Row:
    """A row of the shard map."""

    owner: str | None = None
    life: str | None = None
    epoch: int = 0
    fence: float = 0.0


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

    holder: Who | None = None
    epoch: int = 0
    expires_at: float = 0.0
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

    def take_lease(self, who: Who, seconds: float) -> int | None:
        expired = self.now >= self.expires_at
        if not expired and self.holder != who:
            return None
        self.epoch += expired
        self.holder, self.expires_at = who, max(self.expires_at, self.now + seconds)
        return self.epoch

    def release_lease(self, who: Who) -> None:
        if self.holder == who:
            self.expires_at = self.now

    def holds(self, who: Who, epoch: int) -> bool:
        return (self.holder, self.epoch) == (who, epoch) and self.now < self.expires_at

    # -- the nodes and the map -----------------------------------------------------------------------------------------

    def report(self, name: str, life: str) -> None:
        """Report; a new life registers, which releases what the former one held."""
        former = self.reports.get(name, ("",))[0]
        self.registry += former != life
        if former not in ("", life):
            for row in self.rows:
                if row.owner == name and row.life != life:
                    row.owner, row.life, row.fence = None, None, self.now
        self.reports[name] = life, self.now

    def read_map(self) -> list[Shard]:
        now = self.now
        return [Shard(n, row.owner, row.life, row.epoch, now >= row.fence) for n, row in enumerate(self.rows)]

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

    def prove(self, grant: Grant, name: str, life: str, seconds: float) -> bool:
        row = self.row(grant.shard, grant.epoch)
        if row is None or (row.owner, row.life) != (name, life):
            return False
        row.fence = max(row.fence, self.now + seconds)
        return True

    def release(self, grant: Grant, life: str) -> None:
        row = self.row(grant.shard, grant.epoch)
        if row is not None and (row.owner is None or row.life == life):
            row.owner, row.life, row.fence = None, None, self.now

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

    def promote(self, who: Who, epoch: int, promotion: Promotion, seconds: float) -> bool:
        row = self.row(promotion.shard, promotion.epoch)
        if not self.holds(who, epoch) or row is None or self.now < row.fence:
            return False
        if self.owned(promotion.node, promotion.incarnation) is not None:
            return False
        row.owner, row.life = promotion.node, promotion.incarnation
        row.epoch, row.fence = promotion.epoch + 1, self.now + seconds
        return True

    def want(self, who: Who, epoch: int, shards: int) -> bool:
        """Ask for another number of shards."""
        if not self.holds(who, epoch) or refusal(shards, len(self.reports)) is not None:
            return False
        self.wanted = shards
        return True

    def redraw(self, who: Who, epoch: int, shards: int) -> bool:
        """Draw the map anew."""
        drawn = redrawn(self.read_map(), shards)
        if not self.holds(who, epoch) or drawn is None or self.wanted != shards:
            return False
        self.rows = [Row(epoch=row.epoch, fence=self.now) for row in drawn]
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
