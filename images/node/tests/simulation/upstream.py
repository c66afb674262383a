"""The simulated upstream: it keeps one connection a shard, refuses older epochs, takes the same message twice as one, and notes what came."""

from __future__ import annotations

from collections import Counter
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

    def send(self, message: Message) -> None:
        self.pass_on(lambda: self.upstream.take(self, message))

    def pass_on(self, action) -> None:
        """Carry something in either direction; a line that is cut ends the connection."""
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
        self.received: Counter[int] = Counter()  # message id -> how often it came
        self.newest: dict[
            str, int
        ] = {}  # recipient -> the newest of its messages that came, by the order of their submission

    def connect(self, node: Coreapp, grant: Grant) -> Session | None:
        """Take a connection. A second one for what another still serves is what gets an account banned."""
        if grant.epoch < self.epochs.get(grant.shard, 0):
            return None
        self.epochs[grant.shard] = grant.epoch
        self.world.alone(node, grant)
        self.hang_up(grant.shard)
        self.live[grant.shard] = Session(self, node, grant)
        return self.live[grant.shard]

    def hang_up(self, shard: int) -> None:
        """End the connection of a shard."""
        if (session := self.live.pop(shard, None)) is not None:
            session.open = False

    def take(self, session: Session, message: Message) -> None:
        if self.live.get(session.grant.shard) is not session:
            return
        self.received[message.id] += 1
        if self.received[message.id] == 1:
            self.world.traffic.arrived(message)
        session.pass_on(lambda: session.node.confirmed(session, message.id))
