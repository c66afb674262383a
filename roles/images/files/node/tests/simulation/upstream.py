"""The simulated upstream: one connection a shard, older epochs are refused, and the same message twice is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from waba_node.control.ownership import Grant

from .database import Message

if TYPE_CHECKING:
    from .coreapp import Coreapp
    from .world import World

UP = "up"  # its name on the network


class Session:
    """One connection, in which nothing overtakes anything."""

    def __init__(self, upstream: Upstream, node: Coreapp, grant: Grant) -> None:
        self.upstream, self.node, self.grant = upstream, node, grant
        self.open = True
        self.last_arrival = 0.0

    def confirm(self, number: int) -> None:
        """Notify the node's sender of this session that a message has arrived."""
        if (sender := self.node.sender) is not None and sender.session is self:
            sender.confirmed(number)

    def send(self, message: Message) -> None:
        """Send a message."""
        self.pass_on(lambda: self.upstream.take(self, message))

    def pass_on(self, action: Callable[[], object]) -> None:
        """Carry something in either direction. A line that is cut ends the connection."""
        world = self.upstream.world
        if not self.open:
            return
        if world.cut and (self.node.name, UP) in world.cut:
            self.open = False
            return
        self.last_arrival = max(self.last_arrival, world.now + world.delay())
        world.at(self.last_arrival - world.now, action)


class Upstream:
    """See the module."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.epochs: dict[int, int] = {}
        self.live: dict[int, Session] = {}
        self.received: Counter[int] = Counter()  # message -> how often it arrived

    def connect(self, node: Coreapp, grant: Grant) -> Session | None:
        """Take a connection; None for an older epoch. A second connection for the same recipients would get the account banned."""
        if grant.epoch < self.epochs.get(grant.shard, 0):
            return None
        self.epochs[grant.shard] = grant.epoch
        self.world.check_single_connection(node, grant)
        self.hang_up(grant.shard)
        self.live[grant.shard] = Session(self, node, grant)
        return self.live[grant.shard]

    def hang_up(self, shard: int) -> None:
        """End the connection of a shard."""
        if (session := self.live.pop(shard, None)) is not None:
            session.open = False

    def change(self, how: float) -> None:
        """Do nothing: this upstream takes every message."""

    def heal(self) -> None:
        """Do nothing: see `change`."""

    def take(self, session: Session, message: Message) -> None:
        """Take a message that arrives."""
        if self.live.get(session.grant.shard) is not session:
            return
        self.received[message.id] += 1
        if self.received[message.id] == 1:
            self.world.traffic.arrived(message)
        session.pass_on(lambda: session.confirm(message.id))
