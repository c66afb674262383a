"""A simulated webapp with the Cloud API: it stores updates with the node's own writer before it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from waba_node.store.engine import DATABASE_ERRORS
from waba_node.webapp.cloud_updates import UpdateWriter, split

from ..webapp import Webapp
from .event_loop import EventLoop
from .transactions import Client
from .upstream import PHONE_NUMBER_ID

if TYPE_CHECKING:
    from .world import CloudWorld


class CloudWebapp(Webapp):
    """See the module."""

    world: CloudWorld

    def start(self) -> None:
        """Start without a map."""
        self.loop = EventLoop(self)
        self.writer = UpdateWriter(Client(self), self)  # type: ignore[arg-type]
        super().start()

    def end(self) -> None:
        """End the process."""
        super().end()
        self.loop.close()

    def receive(self, body: bytes, answer: Callable[[bool], None]) -> None:
        """Take the body of a webhook. answer: called with whether its updates are stored."""
        if self.frozen:
            self.after(0, lambda: self.receive(body, answer))
        elif self.alive:
            self.loop.spawn(self.store(body, answer))

    async def store(self, body: bytes, answer: Callable[[bool], None]) -> None:
        """Store updates, then answer."""
        try:
            await self.writer.store(split(body, PHONE_NUMBER_ID).rows)
        except DATABASE_ERRORS:
            ok = False
        else:
            ok = True
        self.world.at(self.world.delay(), lambda: answer(ok))

    def notify(self, buckets: Iterable[int]) -> None:
        """Notify the owners of buckets, as far as this webapp knows them: see webapp.cloud_updates.OwnerNotifier."""
        if self.owners:
            for owner in sorted({self.owners[bucket % len(self.owners)] or "" for bucket in buckets} - {""}):
                self.world.call(self, (owner,), self.world.coreapp(owner).process_updates)
