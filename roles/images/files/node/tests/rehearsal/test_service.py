"""Access, limits and faults of the stand-in."""

from __future__ import annotations

import json

import aiohttp
import pytest
from standin_support import APP, NUMBER, TOKEN, WABA, Client


@pytest.mark.parametrize(
    ("header", "code"),
    [(None, 104), ("Bearer other", 190), (f"OAuth {TOKEN}", 190), (f"Bearer {TOKEN}", None)],
)
async def test_calls_need_the_token(cloud: Client, header: str | None, code: int | None) -> None:
    headers = {"Authorization": header} if header else {}
    async with cloud.session.get(f"{cloud.address}/v25.0/{NUMBER}", headers=headers) as response:
        answer = await response.json()
        assert (response.status, answer.get("error", {}).get("code")) == (401 if code else 200, code)


async def test_token_dies_on_demand(cloud: Client) -> None:
    await cloud.control("behaviour", {"dead_tokens": True})
    status, answer = await cloud.send()
    assert (status, answer["error"]["code"]) == (401, 190)


async def test_tokens_are_exchanged(cloud: Client) -> None:
    new = {"Authorization": "Bearer new"}
    assert (await cloud.call("GET", NUMBER, headers=new))[1]["error"]["code"] == 190
    await cloud.control("credentials", {"tokens": [TOKEN, "new"]})
    assert [(await cloud.call("GET", NUMBER, headers=headers))[0] for headers in ({}, new)] == [200, 200]
    await cloud.control("credentials", {"tokens": ["new"]})
    assert [(await cloud.call("GET", NUMBER, headers=headers))[0] for headers in ({}, new)] == [401, 200]
    events = (await cloud.control("events"))["events"]
    assert "new" not in json.dumps(events)


async def test_calls_need_the_scope(cloud: Client) -> None:
    await cloud.control("behaviour", {"scopes": ["whatsapp_business_management"]})
    assert await cloud.code() == 200
    assert (await cloud.call("GET", NUMBER))[0] == 200
    await cloud.control("behaviour", {"scopes": ["whatsapp_business_messaging"]})
    assert await cloud.code() == 0
    status, answer = await cloud.call("GET", NUMBER)
    assert (status, answer["error"]["code"]) == (403, 10)


async def test_token_is_described_with_its_scopes(cloud: Client) -> None:
    _status, answer = await cloud.call("GET", f"debug_token?input_token={TOKEN}")
    assert answer["data"]["is_valid"] is True
    assert answer["data"]["app_id"] == APP
    assert answer["data"]["scopes"] == ["whatsapp_business_messaging", "whatsapp_business_management"]
    _status, answer = await cloud.call("GET", "debug_token?input_token=other")
    assert answer["data"]["is_valid"] is False


@pytest.mark.parametrize("path", ["42", f"{NUMBER}/nothing", f"{WABA}/messages", "no-node"])
async def test_unknown_objects_and_edges_do_not_exist(cloud: Client, path: str) -> None:
    status, answer = await cloud.call("GET", path)
    assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (400, 100, 33)


async def test_retired_versions_are_refused(cloud: Client) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with cloud.session.get(f"{cloud.address}/v19.0/{NUMBER}", headers=headers) as response:
        assert response.status == 400


# -- limits --------------------------------------------------------------------------------------------------------------


async def test_number_has_a_rate(cloud: Client) -> None:
    await cloud.control("behaviour", {"rate": 5})
    codes = [await cloud.code(to=f"+1555123456{digit}") for digit in range(8)]
    assert codes[:5] == [0] * 5
    assert codes[-1] == 130429


async def test_rate_follows_the_throughput_level(cloud: Client) -> None:
    await cloud.control("behaviour", {"pair_interval": 0})
    messages = cloud.standin.messages
    messages.clock = lambda: 1_790_000_000.0  # no time passes
    messages.number.at, messages.number.tokens = messages.clock(), 80
    codes = [await cloud.code() for _message in range(81)]
    assert codes == [0] * 80 + [130429]
    await cloud.control("account", {"throughput": "HIGH"})
    assert messages.rate() == 1000


async def test_inbound_messages_count_to_the_rate(cloud: Client) -> None:
    await cloud.control("behaviour", {"rate": 5})
    await cloud.control("inbound", {"count": 5})
    assert await cloud.code() == 130429


async def test_pair_has_a_rate_of_its_own(cloud: Client) -> None:
    await cloud.control("behaviour", {"pair_burst": 2})
    assert [await cloud.code() for _each in range(3)] == [0, 0, 131056]
    assert await cloud.code(to="+15551234568") == 0


async def test_maintenance_refuses_messages(cloud: Client) -> None:
    await cloud.control("behaviour", {"maintenance": True})
    status, answer = await cloud.send()
    assert (status, answer["error"]["code"]) == (500, 131057)


async def test_closed_window_permits_templates_only(cloud: Client) -> None:
    await cloud.control("behaviour", {"window": True})
    template = {"name": "parcel", "language": {"code": "en_US"}}
    assert await cloud.code() == 131047
    assert await cloud.code(type="template", template=template) == 0
    await cloud.control("inbound", {"from": "15551234567"})
    assert await cloud.code() == 0


async def test_unknown_switch_is_refused(cloud: Client) -> None:
    async with cloud.session.post(f"{cloud.address}/control/behaviour", json={"speed": 1}) as response:
        assert response.status == 400
        assert "unknown field `speed`" in (await response.json())["problem"]


# -- faults --------------------------------------------------------------------------------------------------------------


async def messages(cloud: Client) -> dict[str, int]:
    state = (await cloud.control("state"))["messages"]
    return {"accepted": state["accepted"], "unanswered": state["unanswered"]}


@pytest.mark.parametrize("kind", ["lose_answer", "cut_answer"])
async def test_message_is_accepted_and_its_answer_lost(cloud: Client, kind: str) -> None:
    await cloud.control("faults", {"kind": kind})
    with pytest.raises(aiohttp.ClientError):
        await cloud.send()
    assert await messages(cloud) == {"accepted": 1, "unanswered": 1}
    assert await cloud.code() == 0
    await cloud.receiver.wait(lambda: len(cloud.receiver.statuses) == 4)


async def test_answer_is_later_than_the_client_waits(cloud: Client) -> None:
    await cloud.control("faults", {"kind": "delay_answer", "seconds": 30})
    with pytest.raises(TimeoutError):
        await cloud.call(
            "POST",
            f"{NUMBER}/messages",
            {"messaging_product": "whatsapp", "to": "+15551234567", "text": {"body": "x"}},
            timeout=aiohttp.ClientTimeout(total=0.3),
        )
    assert await messages(cloud) == {"accepted": 1, "unanswered": 1}


async def test_request_is_cut_before_it_is_accepted(cloud: Client) -> None:
    await cloud.control("faults", {"kind": "cut_request"})
    with pytest.raises(aiohttp.ClientError):
        await cloud.send()
    assert await messages(cloud) == {"accepted": 0, "unanswered": 0}


async def test_error_of_choice_is_answered_for_chosen_messages(cloud: Client) -> None:
    await cloud.control("faults", [{"kind": "error", "code": 131000, "to": "1555777", "times": 2, "every": 2}])
    assert await cloud.code() == 0
    assert [await cloud.code(to="+15557771111") for _each in range(5)] == [0, 131000, 0, 131000, 0]
    assert (await messages(cloud))["accepted"] == 4


async def test_error_can_hide_a_message_that_was_sent(cloud: Client) -> None:
    await cloud.control("faults", {"kind": "error", "code": 131016, "sent": True})
    status, answer = await cloud.send()
    assert (status, answer["error"]["code"]) == (500, 131016)
    assert await messages(cloud) == {"accepted": 1, "unanswered": 1}
    await cloud.receiver.wait(lambda: len(cloud.receiver.statuses) == 2)


@pytest.mark.parametrize(("html", "start"), [(False, ""), (True, "<!DOCTYPE html>")])
async def test_error_can_have_no_body_or_a_page(cloud: Client, html: bool, start: str) -> None:
    await cloud.control("faults", {"kind": "error", "http_status": 503, "html": html})
    body = {"messaging_product": "whatsapp", "to": "+15551234567", "text": {"body": "x"}}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{cloud.address}/v25.0/{NUMBER}/messages"
    async with cloud.session.post(url, json=body, headers=headers) as response:
        assert response.status == 503
        assert (await response.text())[: len(start) or 1] == start


async def test_status_can_come_before_the_answer(cloud: Client) -> None:
    await cloud.control("faults", {"kind": "status_first"})
    await cloud.control("behaviour", {"statuses": ["delivered"]})
    _status, answer = await cloud.send()
    assert cloud.receiver.statuses == [(answer["messages"][0]["id"], "delivered")]


async def test_messages_are_counted_by_callback_data_and_by_content(cloud: Client) -> None:
    for data in ("7:a", "7:a", "7:b"):
        await cloud.send(biz_opaque_callback_data=data)
    await cloud.send(text={"body": "other"}, type="text")
    state = (await cloud.control("state"))["messages"]
    assert (state["accepted"], state["callback_data"], state["repeated_callback_data"]) == (4, 2, {"7:a": 2})
    assert list(state["repeated_content"].values()) == [3]
    found = (await cloud.control("messages?callback_data=7:a"))["messages"]
    assert [(message["position"], message["answered"]) for message in found] == [(1, True), (2, True)]


async def test_events_list_what_happened(cloud: Client) -> None:
    await cloud.send()
    await cloud.send(to="nobody")
    await cloud.control("inbound", {})
    events = (await cloud.control("events"))["events"]
    assert [event["event"] for event in events] == ["message", "refused", "inbound"]
