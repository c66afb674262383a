"""A simulated coreapp's intake: messages are stored in groups, and a failed transaction is repeated within the webapp's patience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from waba_node.store.engine import ATTEMPT, FAILOVER_PATIENCE, RETRY_PAUSE

from .database import Message
from .process import Later

if TYPE_CHECKING:
    from .coreapp import Coreapp

DB = ("db",)
NOT_PRIMARY_COREAPP, DATABASE_ERROR = 1018, 1023


@dataclass
class Waiting:
    """A message that waits to be stored. again: it may be stored already. until: by the coreapp's clock."""

    message: Message
    again: bool
    until: float
    later: Later


class Intake:
    """See the module."""

    def __init__(self, node: Coreapp) -> None:
        self.node = node
        self.waiting: list[Waiting] = []
        self.storing = False

    def accept(self, message: Message, again: bool) -> Later | int:
        """Take a message from a webapp, perhaps again; it is answered once it is stored."""
        if not self.node.owns(message.bucket):
            return NOT_PRIMARY_COREAPP
        one = Waiting(message, again, self.node.clock() + FAILOVER_PATIENCE, Later())
        self.waiting.append(one)
        if not self.storing:
            self.store()
        return one.later

    def store(self) -> None:
        """Store all that waits in one transaction."""
        group, self.waiting = self.waiting, []
        self.storing, database = True, self.node.world.database
        messages = [one.message for one in group]

        def ask() -> Later:
            stored = Later()

            def answer(done: bool) -> None:
                stored.answer(done)  # a listener replaces the attribute after the call

            database.store(messages, answer)
            return stored

        def answered(done: bool) -> None:
            if not done:
                failed()
                return
            for one in group:
                if one.again:
                    self.node.begin_at_the_oldest()
                one.later.answer(self.refusal(one.message))
            self.node.send_now()
            self.go_on()

        def failed() -> None:
            """Try again what is still young enough; the outcome is unknown, which the messages' ids make harmless."""
            now = self.node.clock()
            for one in group:
                if now >= one.until:
                    one.later.answer(DATABASE_ERROR)
            repeated = [Waiting(one.message, True, one.until, one.later) for one in group if now < one.until]
            self.waiting = repeated + self.waiting
            self.node.after(RETRY_PAUSE, self.go_on)

        self.node.world.call(self.node, DB, ask, answered, failed, ATTEMPT)

    def go_on(self) -> None:
        """Store what has arrived meanwhile."""
        self.storing = False
        if self.waiting:
            self.store()

    def refusal(self, message: Message) -> int | None:
        """Return why a stored message is refused all the same, or None."""
        return None if self.node.owns(message.bucket) else NOT_PRIMARY_COREAPP
