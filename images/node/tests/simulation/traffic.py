"""Clients, which send messages without end, and webapps, which find the owner in the map and give it the message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waba_node.control.sharding import bucket_of

from .coreapp import DB, NOT_PRIMARY_COREAPP
from .database import Message
from .process import LONG_AGO, Process

if TYPE_CHECKING:
    from .world import World

CACHE_LIFE = 1.0  # seconds
TIMEOUT = 5.0  # seconds for a call to a coreapp
IMPATIENT = 12.0  # seconds after which a client gives a webapp up
RECIPIENTS = tuple(str(491510000000 + number) for number in range(12))
BUCKET = {recipient: bucket_of(recipient) for recipient in RECIPIENTS}


class Webapp(Process):
    """See the module."""

    def born(self) -> None:
        super().born()
        self.owners: list[str | None] = []
        self.read_at = LONG_AGO

    def send(self, message: Message, answer) -> None:
        """Give a message to the owner of its shard; with a map read anew, a second time. The id makes that harmless."""

        def attempt(newer_than: float, refused, again: bool) -> None:
            def found(owners: list[str | None]) -> None:
                self.owners, self.read_at = owners, self.clock()
                give()

            def give() -> None:
                owner = self.owners[message.bucket % len(self.owners)]
                if owner is None:
                    refused(NOT_PRIMARY_COREAPP)
                    return
                node = self.world.processes[owner]

                def taken(code: int | None) -> None:
                    answer(None) if code is None else refused(code)

                self.world.call(
                    self, (owner,), lambda: node.accept(message, again), taken, lambda: refused("no answer"), TIMEOUT
                )

            if self.read_at > newer_than:
                give()
            else:
                self.world.look(self, DB, self.world.database.owners, found, lambda: answer("database"))

        attempt(self.clock() - CACHE_LIFE, lambda _code: attempt(self.clock(), answer, True), False)


class Traffic:
    """Every client sends one message at a time; what was answered with success must arrive, and in that order."""

    def __init__(self, world: World, pause: float) -> None:
        self.world, self.pause = world, pause
        self.count = 0
        self.refused: dict[int, object] = {}  # message -> why
        self.busy: dict[str, int] = {}  # recipient -> message
        self.accepted: dict[int, Message] = {}
        self.missing: dict[int, Message] = {}  # those of them that the upstream has not got
        self.after: dict[int, int] = {}  # message -> the one before it that was accepted for the same recipient
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
                answer("no answer")

        webapp.send(message, answer)
        world.at(IMPATIENT, give_up)

    def accept(self, message: Message, before: int | None) -> None:
        """Take note of a success."""
        if message.id not in self.world.database.messages:
            self.world.fail(f"message {message.id} was answered with success and is not in the database")
        self.accepted[message.id] = message
        self.last[message.recipient] = message.id
        if before is not None:
            self.after[message.id] = before
        if message.id not in self.world.upstream.received:
            self.missing[message.id] = message
        else:
            self.arrived(message)

    def arrived(self, message: Message) -> None:
        """Take note of a message that the upstream has got for the first time."""
        self.missing.pop(message.id, None)
        before = self.after.get(message.id)
        if before in self.missing:
            self.world.fail(f"message {message.id} to {message.recipient} overtook {before}, which was accepted before")

    def duplicates(self) -> int:
        """Return how often the upstream got what it had already."""
        return self.world.upstream.received.total() - len(self.world.upstream.received)
