"""Groups the items of an iterator into batches, so that one transaction stores many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class _End:
    error: Exception | None = None


async def batches(items: AsyncIterator[Item], largest: int) -> AsyncGenerator[list[Item], None]:
    """Yield the items in order, in batches of all that have arrived, without waiting for more.

    Ends, or raises, when `items` does, after every item before it was yielded.
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
        end: _End | None = None
        while end is None:
            batch: list[Item] = []
            for item in [await queue.get(), *(queue.get_nowait() for _waiting in range(queue.qsize()))]:
                if isinstance(item, _End):
                    end = item
                else:
                    batch.append(item)
            if batch:
                yield batch
        if end.error is not None:
            raise end.error
    finally:
        reader.cancel()
