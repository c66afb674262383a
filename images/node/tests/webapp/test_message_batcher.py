"""How a webapp's messages travel: together, each with an answer of its own."""

from __future__ import annotations

import asyncio

import pytest
from waba_node.address import NodeAddress
from waba_node.rpc import RpcError
from waba_node.webapp import message_batcher
from waba_node.webapp.message_batcher import MessageBatcher

OWNER = NodeAddress("127.0.0.1:x", "coreapp", "127.0.0.1", (1, 2, 3, 4))


class Coreapp:
    """Answers calls when it is let; remembers the ids that came with each."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.may_answer = asyncio.Event()
        self.refuses: set[str] = set()
        self.problem: Exception | None = None

    async def call(self, _owner, _port, method: str, payload: dict, _timeout: float) -> dict:
        assert method == "messages.accept"
        ids = [message["message_id"] for message in payload["messages"]]
        self.calls.append(ids)
        await self.may_answer.wait()
        if self.problem is not None:
            raise self.problem
        return {"refused": [name for name in ids if name in self.refuses]}


@pytest.fixture
def coreapp() -> Coreapp:
    return Coreapp()


def carried(made: MessageBatcher, *names: str, payload: str = "{}") -> list[asyncio.Task]:
    return [asyncio.create_task(made.store(OWNER, {"message_id": name, "payload": payload})) for name in names]


async def test_what_comes_while_a_call_is_under_way_goes_with_the_next_one(coreapp: Coreapp) -> None:
    made, tasks = MessageBatcher(coreapp), []
    for name in "abcd":
        tasks += carried(made, name)
        await asyncio.sleep(0.01)
    assert coreapp.calls == [["a"]]
    assert not any(task.done() for task in tasks)
    coreapp.may_answer.set()
    await asyncio.gather(*tasks)
    assert coreapp.calls == [["a"], ["b", "c", "d"]]
    await asyncio.sleep(0)
    assert not made.queues


async def test_what_comes_at_the_same_moment_goes_together_and_not_too_much_of_it(coreapp: Coreapp) -> None:
    coreapp.may_answer.set()
    await asyncio.gather(*carried(MessageBatcher(coreapp), *map(str, range(message_batcher.LARGEST_BATCH + 1))))
    assert list(map(len, coreapp.calls)) == [message_batcher.LARGEST_BATCH, 1]
    coreapp.calls.clear()
    await asyncio.gather(
        *carried(MessageBatcher(coreapp), *"abcde", payload="x" * (message_batcher.LARGEST_CONTENT // 2))
    )
    assert list(map(len, coreapp.calls)) == [2, 2, 1]


async def test_one_that_is_refused_takes_no_other_with_it(coreapp: Coreapp) -> None:
    coreapp.may_answer.set()
    coreapp.refuses = {"b"}
    first, second, third = await asyncio.gather(*carried(MessageBatcher(coreapp), *"abc"), return_exceptions=True)
    assert (first, third) == (None, None)
    assert isinstance(second, RpcError)
    assert second.code == 1018


async def test_a_call_that_fails_is_every_message_s_failure(coreapp: Coreapp) -> None:
    coreapp.may_answer.set()
    coreapp.problem = RpcError(1023, "Database error")
    made = MessageBatcher(coreapp)
    outcomes = await asyncio.gather(*carried(made, *"abc"), return_exceptions=True)
    assert [error.code for error in outcomes] == [1023] * 3
    coreapp.problem = None
    await asyncio.gather(*carried(made, *"abc"))


async def test_nobody_waits_for_long_and_what_nobody_waits_for_stays(
    coreapp: Coreapp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_batcher, "TIMEOUT", 0.1)
    made = MessageBatcher(coreapp)
    under_way = carried(made, "a")
    await asyncio.sleep(0)
    outcomes = await asyncio.gather(*under_way, *carried(made, "b"), return_exceptions=True)
    assert [error.code for error in outcomes] == [1014] * 2
    monkeypatch.setattr(message_batcher, "TIMEOUT", 5)
    last = carried(made, "c")
    await asyncio.sleep(0)
    coreapp.may_answer.set()
    await asyncio.gather(*last)
    assert coreapp.calls == [["a"], ["c"]]
