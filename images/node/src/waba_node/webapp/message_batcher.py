"""Messages on their way from a webapp to coreapps: what comes while a call to a coreapp is under way goes with the next one, many in one call."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

from ..address import NodeAddress, PortName
from ..rpc import RpcClient, RpcError

MOST = 100  # messages in one call
LARGEST = 1 << 20  # characters of their contents in one call, half of what a node takes
TIMEOUT = 5.0  # seconds for a message to be stored

Waiting = deque[tuple[dict, "asyncio.Future[None]"]]


class Carrier:
    """See the module."""

    def __init__(self, client: RpcClient) -> None:
        self.client = client
        self.waiting: dict[NodeAddress, Waiting] = {}
        self.under_way: dict[NodeAddress, asyncio.Task] = {}

    async def carry(self, owner: NodeAddress, message: dict) -> None:
        """Have a coreapp store a message, in the form that its intake takes. Raises RpcError: 1018 when the shard is not, or no longer, its own."""
        done = asyncio.get_running_loop().create_future()
        self.waiting.setdefault(owner, deque()).append((message, done))
        if owner not in self.under_way:
            self.under_way[owner] = asyncio.create_task(self.empty(owner))
        try:
            async with asyncio.timeout(TIMEOUT):
                await done
        except TimeoutError as error:
            raise RpcError(1014, "Internal error", f"{owner.node_id} does not answer: no answer in time") from error

    async def empty(self, owner: NodeAddress) -> None:
        """Make calls until nothing waits any more."""
        try:
            while group := next_group(self.waiting[owner]):
                await self.call(owner, group)
        finally:
            del self.under_way[owner], self.waiting[owner]

    async def call(self, owner: NodeAddress, group: list[tuple[dict, asyncio.Future[None]]]) -> None:
        """Hand messages over, and tell each of those who wait what became of theirs."""
        content = {"messages": [message for message, _done in group]}
        problem, refused = None, frozenset()
        try:
            answer = await self.client.call(owner, PortName.MESSAGING, "messages.accept", content, TIMEOUT)
            refused = frozenset(answer["refused"])
        except Exception as error:
            problem = error
        for message, done in group:
            with contextlib.suppress(asyncio.InvalidStateError):  # nobody waits any more
                if problem is not None:
                    done.set_exception(problem)
                elif message["message_id"] in refused:
                    done.set_exception(RpcError(1018, "Not Primary Coreapp", f"{owner.node_id} does not own the shard"))
                else:
                    done.set_result(None)


def next_group(waiting: Waiting) -> list[tuple[dict, asyncio.Future[None]]]:
    """Take what goes into the next call off the queue, without what nobody waits for any more; nothing when there is no more."""
    group, size = [], 0
    while waiting and len(group) < MOST:
        message, done = waiting[0]
        size += len(message["payload"])
        if group and size > LARGEST:
            break
        waiting.popleft()
        if not done.done():
            group.append((message, done))
    return group
