from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from waba_node.coreapp.status_events import PROGRESS, derive, expiry, with_context_sender
from waba_node.settings import ApplicationSettings
from waba_node.store.outbox import StoredMessage
from waba_node.upstream.base import UpstreamEvent

SETTINGS = ApplicationSettings()
ids = st.sampled_from(["one", "two", "unknown"])
kinds = st.sampled_from(["sent", "delivered", "read", "failed", "something new"])
moments = st.integers(1, 2**31)
events = st.lists(st.builds(UpstreamEvent, ids, kinds, moments) | st.builds(expiry, ids, moments), max_size=12)
stored = st.sampled_from([*PROGRESS, "failed"])
messages = st.fixed_dictionaries(
    {"one": st.builds(StoredMessage, st.just("111"), stored), "two": st.builds(StoredMessage, st.just("222"), stored)}
)


def webhook_statuses(webhooks: list[dict]) -> list[tuple[str, str]]:
    return [(entry["id"], entry["status"]) for webhook in webhooks for entry in webhook["statuses"]]


@given(messages, events)
def test_a_status_never_goes_back_and_each_step_causes_one_webhook(messages: Any, events: Any) -> None:
    statuses, webhooks = derive(messages, events, SETTINGS)
    reported = webhook_statuses(webhooks)
    assert len(reported) == len(set(reported))
    for name in ("one", "two"):
        path = [messages[name].status, *(status for reported_id, status in reported if reported_id == name)]
        ranks = [PROGRESS.get(status, 4) for status in path]
        assert ranks == sorted(ranks)
        assert statuses.get(name, messages[name].status) == path[-1]
        assert path[-2:] != ["delivered", "failed"]
    assert "unknown" not in statuses


@given(messages, events)
def test_repeated_events_change_nothing(messages: Any, events: Any) -> None:
    statuses, _rest = derive(messages, events, SETTINGS)
    now = {name: old._replace(status=statuses.get(name, old.status)) for name, old in messages.items()}
    assert derive(now, events, SETTINGS) == ({}, [])


@given(messages, events, st.data())
def test_the_result_does_not_depend_on_batches(messages: Any, events: Any, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(events)))
    first, first_webhooks = derive(messages, events[:cut], SETTINGS)
    between = {name: old._replace(status=first.get(name, old.status)) for name, old in messages.items()}
    second, second_webhooks = derive(between, events[cut:], SETTINGS)
    assert derive(messages, events, SETTINGS) == ({**first, **second}, first_webhooks + second_webhooks)


@pytest.mark.parametrize("status", ["sent", "delivered", "read"])
def test_expiry_fails_no_message_that_was_sent(status: str) -> None:
    assert derive({"one": StoredMessage("111", status)}, [expiry("one", 1)], SETTINGS) == ({}, [])


def test_a_status_webhook_has_the_form_of_the_contract() -> None:
    event = UpstreamEvent("gBGGx", "failed", 1629293084, {"errors": [{"code": 470, "title": "too late"}]})
    _rest, webhooks = derive({"gBGGx": StoredMessage("49151", "sent", "order 7")}, [event], SETTINGS)
    assert webhooks == [
        {
            "statuses": [
                {
                    "id": "gBGGx",
                    "recipient_id": "49151",
                    "status": "failed",
                    "timestamp": "1629293084",
                    "biz_opaque_callback_data": "order 7",
                    "errors": [{"code": 470, "title": "too late"}],
                }
            ]
        }
    ]


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        ({}, ["sent", "delivered", "read"]),
        ({"sent_status": False}, ["delivered", "read"]),
        ({"webhooks": {"message": {"sent": False, "read": False}}}, ["delivered"]),
        ({"webhooks": {"message": {"sent": False, "delivered": False, "read": False}}}, []),
    ],
)
def test_a_switched_off_status_is_recorded_without_a_webhook(switches: dict, expected: list[str]) -> None:
    events = [UpstreamEvent("one", kind, 1) for kind in ("sent", "delivered", "read")]
    statuses, webhooks = derive(
        {"one": StoredMessage("111", "accepted")}, events, msgspec.convert(switches, ApplicationSettings)
    )
    assert statuses == {"one": "read"}
    assert [status for _rest, status in webhook_statuses(webhooks)] == expected


def test_an_inbound_event_is_its_own_webhook() -> None:
    content = {"contacts": [{"wa_id": "49151"}], "messages": [{"from": "49151", "id": "ABGG", "type": "text"}]}
    assert derive({}, [UpstreamEvent("ABGG", "inbound", 1, content)], SETTINGS) == ({}, [content])


@pytest.mark.parametrize(
    ("setting", "kind"),
    [("show_security_notifications", "user_identity_changed"), ("notify_user_change_number", "user_changed_number")],
)
def test_a_setting_suppresses_one_kind_of_notice_only(setting: str, kind: str) -> None:
    notice = {"id": "one", "from": "1", "type": "system", "system": {"type": kind}}
    other = {"id": "two", "from": "1", "type": "system", "system": {"type": "something else"}}
    payload = {"contacts": [], "messages": [notice, other]}
    for reported, expected in ((True, [notice, other]), (False, [other])):
        settings = msgspec.structs.replace(SETTINGS, **{setting: reported})
        _rest, webhooks = derive({}, [UpstreamEvent("one", "inbound", 1, payload)], settings)
        assert webhooks == [{"contacts": [], "messages": expected}]
    alone = UpstreamEvent("one", "inbound", 1, {"messages": [notice]})
    assert derive({}, [alone], settings) == ({}, [])


def test_the_price_is_reported_unless_a_setting_disables_it() -> None:
    price = {"conversation": {"id": "c"}, "pricing": {"billable": False}}
    event, known = UpstreamEvent("one", "sent", 1, price), {"one": StoredMessage("49151", "accepted")}
    for disabled in (False, True):
        settings = msgspec.structs.replace(SETTINGS, webhook_payload_conversation_pricingmodel_disabled=disabled)
        _rest, (webhook,) = derive(known, [event], settings)
        assert bool(price.keys() & webhook["statuses"][0].keys()) is not disabled


def inbound(context: dict | None) -> UpstreamEvent:
    message = {"from": "111", "id": "ABGGx", "type": "text", **({} if context is None else {"context": context})}
    return UpstreamEvent("ABGGx", "inbound", 1, {"messages": [message]})


@pytest.mark.parametrize(
    ("context", "own_number", "expected"),
    [
        (None, "49151", None),
        ({"forwarded": True}, "49151", {"forwarded": True}),
        ({"id": "gBGGx"}, "49151", {"id": "gBGGx", "from": "49151"}),
        ({"id": "gBGGx", "from": "15550100000"}, "49151", {"id": "gBGGx", "from": "49151"}),
        ({"id": "ABGGy", "from": "111"}, "49151", {"id": "ABGGy", "from": "111"}),
        ({"id": "ABGGy"}, "49151", {"id": "ABGGy", "from": "49151"}),
        ({"id": "gBGGx", "from": "1"}, "", {"id": "gBGGx", "from": "1"}),
    ],
)
def test_context_of_a_reply_names_the_author(context: dict | None, own_number: str, expected: dict | None) -> None:
    (event,) = with_context_sender([inbound(context)], own_number)
    assert event.payload["messages"][0].get("context") == expected
