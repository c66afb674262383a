"""The built-in upstream for rehearsal: it accepts every message and reports it sent, then delivered. Nothing leaves the machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from .base import StaleEpoch, UpstreamError, UpstreamEvent, WrongCode

CODE = "123456"  # the registration code of every number: nobody could receive another


class LoopbackSession:
    """A connection that talks to itself."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[UpstreamEvent | None] = asyncio.Queue()
        self.seen: set[str] = set()
        self.open = True

    async def send(self, message_id: str, payload: dict) -> None:  # noqa: ARG002 - the interface has it
        if not self.open:
            raise UpstreamError("the connection is closed")
        if message_id not in self.seen:
            self.seen.add(message_id)
            now = int(time.time())
            for kind in ("sent", "delivered"):
                self.queue.put_nowait(UpstreamEvent(message_id, kind, now))

    async def events(self) -> AsyncIterator[UpstreamEvent]:
        while (event := await self.queue.get()) is not None:
            yield event
            if event.kind == "delivered":
                self.seen.discard(event.message_id)

    async def disconnect(self) -> None:
        self.open = False
        self.queue.put_nowait(None)


class Loopback:
    """See the module."""

    requires_registration = False

    def __init__(self) -> None:
        self.epochs: dict[int, int] = {}

    async def register(self, cc: str, phone_number: str, method: str) -> None:
        """Accept any number."""

    async def verify(self, code: str) -> None:
        if code.replace("-", "") != CODE:
            raise WrongCode("the code is not the one that was sent")

    async def connect(self, shard: int, epoch: int) -> LoopbackSession:
        if epoch < self.epochs.get(shard, 0):
            raise StaleEpoch(f"shard {shard} has been connected with epoch {self.epochs[shard]}, {epoch} is older")
        self.epochs[shard] = epoch
        return LoopbackSession()
