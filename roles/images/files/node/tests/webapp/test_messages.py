"""Messages with real processes, from the client's call to its webhooks."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from api_support import Client, Cluster, error_of, wait_until
from message_support import CONTENTS, message
from waba_node.webapp.calls import retired

if TYPE_CHECKING:
    from tests.conftest import Receiver

SETTINGS = "/v1/settings/application"
TEXT = {"to": "+4915112345678", "type": "text", "recipient_type": "individual", "text": {"body": "Hello"}}


def send(client: Client, **change: object) -> str:
    answer = client.call("POST", "/v1/messages", {**TEXT, **change})
    assert answer.status_code == 200, answer.text
    (accepted,) = answer.json()["messages"]
    return accepted["id"]


@pytest.fixture
def deliver_to(admin: Client) -> Iterator[Callable[[str], None]]:
    """A function that sets the webhook URL. Pending webhooks of other tests are delivered too."""

    def point(url: str, **settings: object) -> None:
        assert admin.call("PATCH", SETTINGS, {"webhooks": {"url": url}, **settings}).status_code == 200

    yield point
    admin.call("DELETE", SETTINGS)


def arrived(receiver: Receiver, *ids: str) -> Callable[[], bool]:
    wanted = {(name, status) for name in ids for status in ("sent", "delivered")}
    return lambda: wanted <= set(receiver.statuses())


def test_text_is_sent_and_delivered(admin: Client, deliver_to: Any, receiver: Receiver) -> None:
    deliver_to(receiver.url)
    name = send(admin)
    assert re.fullmatch(r"gBGG[A-Za-z0-9_-]{20}", name)
    receiver.wait(arrived(receiver, name))
    statuses = statuses_of(receiver, name)
    assert [status["status"] for status in statuses] == ["sent", "delivered"]
    assert int(statuses[0]["timestamp"]) < int(statuses[1]["timestamp"])
    assert {status["recipient_id"] for status in statuses} == {"4915112345678"}
    assert all(re.fullmatch(r"[0-9]{10}", status["timestamp"]) for status in statuses)


def test_statuses_of_many_messages_arrive_in_order(admin: Client, deliver_to: Any, receiver: Receiver) -> None:
    deliver_to(receiver.url)
    names = [send(admin) for _number in range(30)]
    receiver.wait(arrived(receiver, *names))
    for name in names:
        statuses = statuses_of(receiver, name)
        assert [status["status"] for status in statuses] == ["sent", "delivered"]
        assert int(statuses[0]["timestamp"]) < int(statuses[1]["timestamp"])


@pytest.mark.parametrize("disabled", [False, True])
def test_statuses_have_conversation_and_pricing_unless_disabled(
    admin: Client, deliver_to: Any, receiver: Receiver, disabled: bool
) -> None:
    deliver_to(receiver.url, webhook_payload_conversation_pricingmodel_disabled=disabled)
    name = send(admin)
    receiver.wait(arrived(receiver, name))
    for status in statuses_of(receiver, name):
        assert ("conversation" in status) is ("pricing" in status) is not disabled
        if not disabled:
            assert re.fullmatch(r"[0-9a-f]{32}", status["conversation"]["id"])
            assert {"billable", "pricing_model"} <= status["pricing"].keys()


def test_failing_receiver_gets_all_webhooks_later(admin: Client, deliver_to: Any, receiver: Receiver) -> None:
    receiver.answers = [500]
    deliver_to(receiver.url, callback_backoff_delay_ms=50)
    name = send(admin)
    receiver.wait(lambda: receiver.statuses().count((name, "sent")) >= 3)
    assert (name, "delivered") not in receiver.statuses()
    receiver.answers = [200]
    seen = len(receiver.received)
    receiver.wait(lambda: len(receiver.received) > seen and arrived(receiver, name)())


def test_message_ids_are_unique_across_webapps(admin: Client, second_webapp: Client) -> None:
    there = second_webapp.as_caller(admin.session.headers["Authorization"])
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda n: send(there if n % 2 else admin, to=f"4915100000{n:03}"), range(100)))
    assert len(set(names)) == 100


@pytest.mark.parametrize("body", ["x", "x" * 4096, "\U0001f600" * 4096, "line\nline \0 \u2028"])
def test_any_text_within_the_limit_is_accepted(admin: Client, body: str) -> None:
    send(admin, text={"body": body}, preview_url=True)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": ...}, 1008),
        ({"text": ...}, 1008),
        ({"text": {}}, 1008),
        ({"text": {"body": ""}}, 1009),
        ({"text": {"body": "x" * 4097}}, 1001),
        ({"text": {"body": None}}, 1008),
        ({"text": "Hello"}, 1009),
        ({"to": ""}, 1009),
        ({"to": True}, 1009),
        ({"to": "49-151 (abc)"}, 1009),
        ({"to": "()"}, 1009),
        ({"to": "49 15"}, 1009),
        ({"to": "4" + " " * 1000 + "915112345678"}, 1001),
        ({"to": "4915112345678\n"}, 1009),
        ({"to": "++4915112345678"}, 1009),
        ({"to": "1234567890123456"}, 1009),
        ({"to": "\u0664\u0669\u0661\u0665\u0661\u0661"}, 1009),
        ({"type": "smoke"}, 1009),
        ({"type": ["text"]}, 1009),
        ({"type": "image", "image": {"id": "x"}, "text": ...}, 1006),
        ({"image": {"id": "x"}}, 1010),
        ({"recipient_type": "group"}, 1002),
        ({"preview_url": "yes"}, 1009),
    ],
)
def test_invalid_message_is_refused(admin: Client, change: dict, code: int) -> None:
    body = {name: value for name, value in {**TEXT, **change}.items() if value is not ...}
    assert error_of(admin.call("POST", "/v1/messages", body)) == (400, code)


@pytest.fixture
def _provider(admin: Client) -> Iterator[None]:
    """The media provider that an example of CONTENTS names."""
    path = f"{SETTINGS}/media/providers"
    assert admin.call("POST", path, [{"name": "store", "type": "www", "config": {"bearer": "x"}}]).status_code == 200
    yield
    assert admin.call("DELETE", f"{path}/store").status_code == 200


@pytest.mark.usefixtures("_provider")
@pytest.mark.parametrize(("kind", "content"), CONTENTS)
def test_message_of_any_type_is_accepted(admin: Client, kind: str, content: object) -> None:
    assert admin.call("POST", "/v1/messages", message(kind, content)).status_code == 200


def test_link_with_an_unknown_provider_is_refused(admin: Client) -> None:
    content = {"link": "https://example.com/a.png", "provider": {"name": "store"}}
    header = {"type": "header", "parameters": [{"type": "image", "image": content}]}
    template = {"namespace": "n", "name": "t", "language": {"code": "en"}, "components": [header]}
    for body in (message("image", content), message("template", template)):
        assert error_of(admin.call("POST", "/v1/messages", body)) == (400, 1006)


def test_changed_identity_must_be_acknowledged_before_a_message_is_sent(
    admin: Client, cluster: Cluster, deliver_to: Any, receiver: Receiver
) -> None:
    identity = "/v1/contacts/4930555/identity"
    latest = admin.call("GET", identity).json()["contacts"]["hash"]
    cluster.execute("UPDATE contact_identity SET acknowledged = 0 WHERE wa_id = '4930555'")
    send(admin, to="4930555")
    deliver_to(receiver.url, show_security_notifications=True)
    refused = {**TEXT, "to": "4930555"}
    wait_until(lambda: admin.call("POST", "/v1/messages", refused).status_code != 200)
    assert error_of(admin.call("POST", "/v1/messages", refused)) == (400, 1028)
    send(admin, to="4930556")
    assert admin.call("PUT", identity, {"hash": latest}).status_code == 200
    send(admin, to="4930555")


def test_callback_data_is_returned_and_a_received_answer_is_marked_as_read(
    admin: Client, deliver_to: Any, receiver: Receiver
) -> None:
    deliver_to(receiver.url)
    name = send(admin, biz_opaque_callback_data="loopback:answer", context={"message_id": "ABGGold"}, ttl=60)
    receiver.wait(lambda: answers_to(receiver, name) and arrived(receiver, name)())
    (answer,) = answers_to(receiver, name)
    assert answer == {**answer, "from": "4915112345678", "type": "text", "text": {"body": "Hello"}}
    number = admin.call("GET", SETTINGS).json()["settings"]["application"]["wa_id"]
    assert answer["context"] == {"from": number or "15550100000", "id": name}
    data = [status["biz_opaque_callback_data"] for status in statuses_of(receiver, name)]
    assert data == ["loopback:answer"] * 2
    for _twice in range(2):
        assert admin.call("PUT", f"/v1/messages/{answer['id']}", {"status": "read"}).status_code == 200


def answers_to(receiver: Receiver, name: str) -> list[dict]:
    incoming = [entry for hook in receiver.received for entry in hook.get("messages", ())]
    return [entry for entry in incoming if entry.get("context", {}).get("id") == name]


def statuses_of(receiver: Receiver, name: str) -> list[dict]:
    return [status for hook in receiver.received for status in hook.get("statuses", ()) if status["id"] == name]


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("ABGGnobody", {"status": "read"}, 404, 1006),
        ("x" * 300, {"status": "read"}, 404, 1006),
        ("%F0%9F%98%80", {"status": "read"}, 404, 1006),
        ("ABGGx", {"status": "delivered"}, 400, 1009),
        ("ABGGx", {}, 400, 1008),
    ],
)
def test_only_received_messages_can_be_marked_and_only_as_read(
    admin: Client, name: str, body: dict, status: int, code: int
) -> None:
    assert error_of(admin.call("PUT", f"/v1/messages/{name}", body)) == (status, code)


def test_sent_message_cannot_be_marked_as_read(admin: Client) -> None:
    assert error_of(admin.call("PUT", f"/v1/messages/{send(admin)}", {"status": "read"})) == (404, 1006)


@pytest.mark.parametrize("call", retired.CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_groups_and_sticker_packs_are_410(admin: Client, anonymous: Client, call: Any) -> None:
    path = call.path.format(id="x", index=0)
    refusal = admin.call(call.method, path)
    assert error_of(refusal) == (410, 1006)
    assert "retired" in refusal.json()["errors"][0]["details"]
    assert error_of(anonymous.call(call.method, path)) == (401, 1005)


def test_planned_handover_loses_no_message(
    admin: Client, monitor: Client, cluster: Cluster, deliver_to: Any, receiver: Receiver
) -> None:
    health = monitor.call("GET", "/v1/health").json()["health"]
    (owner,) = [name for name, node in health.items() if node["gateway_status"] == "connected"]
    name = owner.split(":")[1]
    before = [send(admin) for _rest in range(20)]
    cluster.nodes[name].stop(signal.SIGTERM)
    after: list[str] = []

    def accepted() -> bool:
        answer = admin.call("POST", "/v1/messages", TEXT)
        if answer.status_code != 200:
            assert error_of(answer) in ((503, 1018), (503, 1014))
            return False
        after.append(answer.json()["messages"][0]["id"])
        return True

    wait_until(accepted)
    deliver_to(receiver.url)
    receiver.wait(arrived(receiver, *before, *after))
    cluster.start_node(name)


def test_messages_are_sent_without_a_master_and_settings_are_refused(
    admin: Client, cluster: Cluster, deliver_to: Any, receiver: Receiver
) -> None:
    deliver_to(receiver.url)
    cluster.nodes["master1"].stop()
    name = send(admin)
    receiver.wait(arrived(receiver, name))
    assert error_of(admin.call("PATCH", SETTINGS, {"sent_status": False})) == (503, 1017)
    assert admin.call("GET", SETTINGS).status_code == 200
    cluster.start_node("master1", WA_MASTER_NODE="1")
    wait_until(lambda: admin.call("PATCH", SETTINGS, {"sent_status": True}).status_code == 200)
