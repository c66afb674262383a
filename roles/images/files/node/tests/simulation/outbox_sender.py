"""A simulated coreapp's outbox sender: it sends waiting messages in order and records what the upstream confirms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waba_node.control.ownership import Grant

from .database import Message
from .intake import DB
from .upstream import Session

if TYPE_CHECKING:
    from .coreapp import Coreapp

POLL = 2.0  # seconds
GROUP = 20  # messages
READ_TIMEOUT = 10.0  # seconds
RETRY = 1.0  # seconds


class OutboxSender:
    """One session's sender; a coreapp has one while it is connected."""

    def __init__(self, node: Coreapp, session: Session, grant: Grant) -> None:
        self.node, self.session, self.grant = node, session, grant
        self.unconfirmed: set[int] = set()
        self.to_confirm: list[int] = []
        self.confirming = False
        self.readings = 0  # which reading of the outbox is the current one
        self.begin_at_the_oldest()

    @property
    def active(self) -> bool:
        """Return whether this is still the coreapp's sender."""
        return self.node.sender is self

    def begin_at_the_oldest(self) -> None:
        """Read the outbox from its beginning the next time."""
        self.sent_to, self.began = 0, self.node.clock()

    def send(self) -> None:
        """Send what waits, from the oldest; from time to time a reading begins at the oldest again."""
        if not self.active:
            return
        if not self.session.open:
            self.node.disconnect("was disconnected by the upstream")
            return
        self.readings += 1
        if self.node.clock() >= self.began + POLL:
            self.begin_at_the_oldest()
        current, grant, database, after = self.readings, self.grant, self.node.world.database, self.sent_to

        def found(messages: list[Message]) -> None:
            if not self.active or current != self.readings:
                return
            for message in messages:
                if not self.node.may_send(grant):
                    break
                if message.id not in self.unconfirmed:
                    self.unconfirmed.add(message.id)
                    self.session.send(message)
                self.sent_to = message.position
            if len(messages) == GROUP:
                self.send()
            else:
                self.node.after(POLL, poll)

        def poll() -> None:
            if self.active and current == self.readings:
                self.send()

        def failed() -> None:
            self.node.after(RETRY, poll)

        self.node.world.read(self.node, DB, lambda: database.unsent(grant, after, GROUP), found, failed, READ_TIMEOUT)

    def confirmed(self, number: int) -> None:
        """Learn from the upstream that it has a message."""
        lives = self.node.lives

        def learn() -> None:
            if self.active and self.node.lives == lives:
                self.to_confirm.append(number)
                if not self.confirming:
                    self.record_confirmed()

        if self.node.frozen:
            self.node.backlog.append(learn)
        elif self.active:
            learn()

    def record_confirmed(self) -> None:
        """Record in the database what the upstream has confirmed."""
        group, self.to_confirm, self.confirming = self.to_confirm, [], True
        database = self.node.world.database

        def answered(_answer: object) -> None:
            if self.active:
                self.confirming = False
                self.unconfirmed.difference_update(group)
                if self.to_confirm:
                    self.record_confirmed()

        def failed() -> None:
            if self.active:
                self.to_confirm = group + self.to_confirm
                self.node.after(RETRY, again)

        def again() -> None:
            if self.active:
                self.record_confirmed()

        self.node.world.call(self.node, DB, lambda: database.confirm(group), answered, failed, READ_TIMEOUT)
