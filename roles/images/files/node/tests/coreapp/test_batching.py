from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waba_node.coreapp.batching import batches


@given(st.lists(st.integers(1, 9)), st.integers(1, 5), st.booleans())
def test_items_are_yielded_once_in_order_and_an_error_last(pauses: list[int], largest: int, fails: bool) -> None:
    async def items() -> AsyncIterator[Any]:
        for number, pause in enumerate(pauses):
            if pause > 5:
                await asyncio.sleep(0)
            yield number
        if fails:
            raise ConnectionError("gone")

    async def run() -> list[list[int]]:
        seen = []
        try:
            async for batch in batches(items(), largest):
                seen.append(batch)
                await asyncio.sleep(0)
        except ConnectionError:
            assert fails
        else:
            assert not fails
        return seen

    seen = asyncio.run(run())
    assert [number for batch in seen for number in batch] == list(range(len(pauses)))
    assert all(1 <= len(batch) <= largest for batch in seen)


async def test_waiting_items_are_one_batch() -> None:
    async def items() -> AsyncIterator[Any]:
        for number in range(100):
            yield number

    sizes = [len(batch) async for batch in batches(items(), 50)]
    assert len(sizes) < 10


async def test_a_batch_does_not_wait_until_it_is_full() -> None:
    async def items() -> AsyncIterator[Any]:
        yield "only"
        await asyncio.Event().wait()

    async for batch in batches(items(), 50):
        assert batch == ["only"]
        break
    else:
        pytest.fail("no batch")
