from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waba_node.coreapp.batching import groups


@given(st.lists(st.integers(1, 9)), st.integers(1, 5), st.booleans())
def test_everything_comes_once_in_order_and_an_error_last(pauses: list[int], largest: int, fails: bool) -> None:
    async def items():
        for number, pause in enumerate(pauses):
            if pause > 5:
                await asyncio.sleep(0)
            yield number
        if fails:
            raise ConnectionError("gone")

    async def run() -> list[list[int]]:
        seen = []
        try:
            async for group in groups(items(), largest):
                seen.append(group)
                await asyncio.sleep(0)
        except ConnectionError:
            assert fails
        else:
            assert not fails
        return seen

    seen = asyncio.run(run())
    assert [number for group in seen for number in group] == list(range(len(pauses)))
    assert all(1 <= len(group) <= largest for group in seen)


async def test_what_waits_comes_together() -> None:
    async def items():
        for number in range(100):
            yield number

    sizes = [len(group) async for group in groups(items(), 50)]
    assert len(sizes) < 10


async def test_nobody_waits_for_a_group_to_fill() -> None:
    async def items():
        yield "only"
        await asyncio.Event().wait()

    async for group in groups(items(), 50):
        assert group == ["only"]
        break
    else:
        pytest.fail("nothing came")
