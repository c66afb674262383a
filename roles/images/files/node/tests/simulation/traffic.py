"""Clients that send messages without end, and what must become of their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waba_node.control.sharding import bucket_of

from .database import Message
from .webapp import NO_ANSWER

if TYPE_CHECKING:
    from .world import World

IMPATIENT = 12.0  # seconds after which a client gives up
RECIPIENTS = tuple(str(491510000000 + number) for number in range(12))
BUCKET = {recipient: bucket_of(recipient) for recipient in RECIPIENTS}


class Traffic:
    """Every client sends one message at a time. Every accepted message must arrive, in the order of acceptance per recipient."""

    def __init__(self, world: World, pause: float) -> None:
        self.world, self.pause = world, pause
        self.count = 0
        self.refused: dict[int, object] = {}  # message -> reason
        self.busy: dict[str, int] = {}  # recipient -> message
        self.submitted: dict[int, Message] = {}
        self.accepted: dict[int, Message] = {}
        self.missing: dict[int, Message] = {}  # those of them that have not arrived
        self.after: dict[int, int] = {}  # message -> the one accepted before it for the same recipient
        self.last: dict[str, int] = {}  # recipient -> its last accepted message
        if pause:
            self.submit()

    def submit(self) -> None:
        world, random = self.world, self.world.random
        world.at(self.pause * (0.5 + random.random()), self.submit)
        recipient = RECIPIENTS[int(random.random() * len(RECIPIENTS))]
        webapp = world.webapps[int(random.random() * len(world.webapps))]
        if recipient in self.busy or not webapp.alive or webapp.frozen:
            return
        self.count += 1
        message = Message(self.count, recipient)
        self.busy[recipient] = message.id
        self.submitted[message.id] = message
        before = self.last.get(recipient)

        def answer(problem: object) -> None:
            if self.busy.get(recipient) != message.id:
                return  # the client has given up
            del self.busy[recipient]
            if problem is None:
                self.accept(message, before)
            else:
                self.refused[message.id] = problem

        def give_up() -> None:
            if self.busy.get(recipient) == message.id:
                answer(NO_ANSWER)

        webapp.send(message, answer)
        world.at(IMPATIENT, give_up)

    def accept(self, message: Message, before: int | None) -> None:
        """Record a success."""
        database = self.world.database
        if message.id not in database.messages and message.id not in database.lost:
            self.world.fail(f"message {message.id} was answered with success and is not in the database")
        self.accepted[message.id] = message
        self.last[message.recipient] = message.id
        if before is not None:
            self.after[message.id] = before
        if message.id in self.world.upstream.received:
            self.arrived(message)
        elif message.id in database.messages:
            self.missing[message.id] = message

    def arrived(self, message: Message) -> None:
        """Record that the upstream has a message for the first time."""
        self.missing.pop(message.id, None)
        before = self.after.get(message.id)
        if before in self.missing:
            self.world.fail(f"message {message.id} to {message.recipient} overtook {before}, which was accepted before")

    def forget_lost(self) -> None:
        """Stop waiting for messages that a failover has lost."""
        for number in self.world.database.lost - self.world.database.messages.keys():
            self.missing.pop(number, None)

    def duplicates(self) -> int:
        """Return how many messages arrived once more."""
        return self.world.upstream.received.total() - len(self.world.upstream.received)
