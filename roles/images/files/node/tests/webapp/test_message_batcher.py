"""Batches of messages from a webapp to a coreapp, with one result per message."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from waba_node.address import NodeAddress
from waba_node.rpc import RpcError
from waba_node.webapp import message_batcher
from waba_node.webapp.message_batcher import MessageBatcher

OWNER = NodeAddress("127.0.0.1:x", "coreapp", "127.0.0.1", (1, 2, 3, 4))


class Coreapp:
    """Answers calls once `may_answer` is set, and records the message ids of each."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.may_answer = asyncio.Event()
        self.refuses: set[str] = set()
        self.problem: Exception | None = None

    async def call(self, _owner: Any, _port: Any, method: str, payload: dict, _timeout: float) -> dict:
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


def stored(made: MessageBatcher, *names: str, payload: str = "{}") -> list[asyncio.Task]:
    return [asyncio.create_task(made.store(OWNER, {"message_id": name, "payload": payload})) for name in names]


async def test_messages_that_arrive_during_a_call_share_the_next_call(coreapp: Coreapp) -> None:
    made, tasks = MessageBatcher(coreapp), []
    for name in "abcd":
        tasks += stored(made, name)
        await asyncio.sleep(0.01)
    assert coreapp.calls == [["a"]]
    assert not any(task.done() for task in tasks)
    coreapp.may_answer.set()
    await asyncio.gather(*tasks)
    assert coreapp.calls == [["a"], ["b", "c", "d"]]
    await asyncio.sleep(0)
    assert not made.queues


async def test_simultaneous_messages_share_a_call_up_to_its_limits(coreapp: Coreapp) -> None:
    coreapp.may_answer.set()
    await asyncio.gather(*stored(MessageBatcher(coreapp), *map(str, range(message_batcher.LARGEST_BATCH + 1))))
    assert list(map(len, coreapp.calls)) == [message_batcher.LARGEST_BATCH, 1]
    coreapp.calls.clear()
    await asyncio.gather(
        *stored(MessageBatcher(coreapp), *"abcde", payload="x" * (message_batcher.LARGEST_CONTENT // 2))
    )
    assert list(map(len, coreapp.calls)) == [2, 2, 1]


async def test_refusal_concerns_one_message_only(coreapp: Coreapp) -> None:
    coreapp.may_answer.set()
    coreapp.refuses = {"b"}
    first, second, third = await asyncio.gather(*stored(MessageBatcher(coreapp), *"abc"), return_exceptions=True)
    assert (first, third) == (None, None)
    assert isinstance(second, RpcError)
    assert second.code == 1018


async def test_failed_call_fails_every_message_of_its_batch(coreapp: Coreapp) -> None:
    coreapp.may_answer.set()
    coreapp.problem = RpcError(1023, "Database error")
    made = MessageBatcher(coreapp)
    outcomes = await asyncio.gather(*stored(made, *"abc"), return_exceptions=True)
    assert [error.code for error in outcomes] == [1023] * 3
    coreapp.problem = None
    await asyncio.gather(*stored(made, *"abc"))


async def test_waiting_ends_after_the_timeout_and_abandoned_messages_are_not_sent(
    coreapp: Coreapp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_batcher, "TIMEOUT", 0.1)
    made = MessageBatcher(coreapp)
    under_way = stored(made, "a")
    await asyncio.sleep(0)
    outcomes = await asyncio.gather(*under_way, *stored(made, "b"), return_exceptions=True)
    assert [error.code for error in outcomes] == [1014] * 2
    monkeypatch.setattr(message_batcher, "TIMEOUT", 5)
    last = stored(made, "c")
    await asyncio.sleep(0)
    coreapp.may_answer.set()
    await asyncio.gather(*last)
    assert coreapp.calls == [["a"], ["c"]]
