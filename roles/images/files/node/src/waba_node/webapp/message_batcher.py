"""Messages on their way from a webapp to coreapps. Messages that arrive during a call to a coreapp are sent together in the next call."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Any

from ..address import NodeAddress, PortName
from ..rpc import RpcClient, RpcError
from ..store.engine import FAILOVER_PATIENCE

LARGEST_BATCH = 100  # messages
LARGEST_CONTENT = 1 << 20  # characters of the messages of one call: half of what a node accepts
TIMEOUT = FAILOVER_PATIENCE + 1.0  # seconds for the answer of a node, which may wait for the database

Entry = tuple[dict[str, Any], "asyncio.Future[None]"]
Queue = deque[Entry]


class MessageBatcher:
    """One queue of messages per coreapp."""

    def __init__(self, client: RpcClient) -> None:
        self.client = client
        self.queues: dict[NodeAddress, Queue] = {}
        self.senders: dict[NodeAddress, asyncio.Task[None]] = {}

    async def store(self, owner: NodeAddress, message: dict[str, Any]) -> None:
        """Have a coreapp store a message, in the form that its intake accepts. Raises RpcError 1018 if the coreapp does not own the shard."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.queues.setdefault(owner, deque()).append((message, done))
        if owner not in self.senders:
            self.senders[owner] = asyncio.create_task(self._send_queue(owner))
        try:
            async with asyncio.timeout(TIMEOUT):
                await done
        except TimeoutError as error:
            raise RpcError(1014, "Internal error", f"{owner.node_id} does not answer: no answer in time") from error

    async def _send_queue(self, owner: NodeAddress) -> None:
        """Send batches until the queue is empty."""
        try:
            while batch := next_batch(self.queues[owner]):
                await self._send(owner, batch)
        finally:
            del self.senders[owner], self.queues[owner]

    async def _send(self, owner: NodeAddress, batch: list[Entry]) -> None:
        """Send a batch, and complete the future of each message."""
        content = {"messages": [message for message, _done in batch]}
        problem: Exception | None = None
        refused: frozenset[str] = frozenset()
        try:
            answer = await self.client.call(owner, PortName.MESSAGING, "messages.accept", content, TIMEOUT)
            refused = frozenset(answer["refused"])
        except Exception as error:
            problem = error
        for message, done in batch:
            with contextlib.suppress(asyncio.InvalidStateError):  # the caller has gone
                if problem is not None:
                    done.set_exception(problem)
                elif message["message_id"] in refused:
                    done.set_exception(RpcError(1018, "Not Primary Coreapp", f"{owner.node_id} does not own the shard"))
                else:
                    done.set_result(None)


def next_batch(queue: Queue) -> list[Entry]:
    """Take the next batch off the queue; it is empty if the queue is. Messages whose caller has gone are dropped."""
    batch: list[Entry] = []
    size = 0
    while queue and len(batch) < LARGEST_BATCH:
        message, done = queue[0]
        size += len(message["payload"])
        if batch and size > LARGEST_CONTENT:
            break
        queue.popleft()
        if not done.done():
            batch.append((message, done))
    return batch
