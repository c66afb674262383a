"""Taking what is there all at once: one transaction for many instead of one each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class _End:
    error: Exception | None = None


async def groups(items: AsyncIterator[Item], largest: int) -> AsyncIterator[list[Item]]:
    """Yield what `items` yields, in order, in groups of what has come by then, without waiting for more.

    Ends, or raises, when `items` does, after everything before it was yielded.
    """
    queue: asyncio.Queue[Item | _End] = asyncio.Queue(largest)

    async def read() -> None:
        try:
            async for item in items:
                await queue.put(item)
            await queue.put(_End())
        except Exception as error:
            await queue.put(_End(error))

    reader = asyncio.create_task(read())
    try:
        while True:
            group = [await queue.get(), *(queue.get_nowait() for _rest in range(queue.qsize()))]
            end = group.pop() if isinstance(group[-1], _End) else None
            if group:
                yield group
            if end is not None:
                if end.error is not None:
                    raise end.error
                return
    finally:
        reader.cancel()
