"""The built-in upstream reports the statuses and answers that real clients expect."""

from __future__ import annotations

from waba_node.upstream.base import UpstreamEvent
from waba_node.upstream.loopback import ANSWER, LoopbackSession

TEXT = {"to": "4915112345678", "type": "text", "text": {"body": "Hello"}}


async def events_of(payload: dict) -> list[UpstreamEvent]:
    session = LoopbackSession()
    await session.send("gBGGx", payload)
    await session.disconnect()
    return [event async for event in session.events()]


async def test_sent_precedes_delivered_with_an_earlier_timestamp() -> None:
    sent, delivered = await events_of(TEXT)
    assert (sent.kind, delivered.kind) == ("sent", "delivered")
    assert sent.timestamp < delivered.timestamp


async def test_statuses_of_a_recipient_share_a_conversation() -> None:
    sent, delivered = await events_of(TEXT)
    (other, _rest) = await events_of({**TEXT, "to": "4915112345679"})
    assert sent.payload == delivered.payload
    assert sent.payload["conversation"]["id"] != other.payload["conversation"]["id"]
    assert sent.payload["pricing"].keys() == {"pricing_model", "billable", "category"}


async def test_answer_refers_to_the_message_and_its_author() -> None:
    *_statuses, answer = await events_of({**TEXT, "biz_opaque_callback_data": ANSWER})
    (message,) = answer.payload["messages"]
    assert message["context"] == {"from": "15550100000", "id": "gBGGx"}
