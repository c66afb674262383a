"""A simulated webapp: it finds a shard's owner in the map and hands it the message."""

from __future__ import annotations

from collections.abc import Callable

from waba_node.webapp.message_batcher import TIMEOUT

from .coreapp import DB, NOT_PRIMARY_COREAPP
from .database import Message
from .process import LONG_AGO, Process

CACHE_LIFE = 1.0  # seconds
NO_ANSWER = "no answer"


class Webapp(Process):
    """See the module."""

    def start(self) -> None:
        """Start without a map."""
        super().start()
        self.owners: list[str | None] = []
        self.read_at = LONG_AGO

    def send(self, message: Message, answer: Callable[[object], None]) -> None:
        """Hand a message to the owner of its shard; with a map read again, a second time. The message's id makes that harmless.

        answer: called with None, or with the reason of a refusal.
        """

        def attempt(newer_than: float, refused: Callable[[object], None], again: bool) -> None:
            def found(owners: list[str | None]) -> None:
                self.owners, self.read_at = owners, self.clock()
                hand_over()

            def not_found() -> None:
                """Use the last map while the database is away: the coreapp itself knows whether it owns the shard."""
                if self.owners:
                    hand_over()
                else:
                    answer("database")

            def hand_over() -> None:
                owner = self.owners[message.bucket % len(self.owners)]
                if owner is None:
                    refused(NOT_PRIMARY_COREAPP)
                    return
                node = self.world.coreapp(owner)

                def taken(code: int | None) -> None:
                    if code is None:
                        answer(None)
                    else:
                        refused(code)

                self.world.call(
                    self,
                    (owner,),
                    lambda: node.intake.accept(message, again),
                    taken,
                    lambda: refused(NO_ANSWER),
                    TIMEOUT,
                )

            if self.read_at > newer_than:
                hand_over()
            else:
                self.world.read(self, DB, self.world.database.owners, found, not_found)

        attempt(self.clock() - CACHE_LIFE, lambda _code: attempt(self.clock(), answer, True), False)
