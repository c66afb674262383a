"""Messages and media go both ways through the Cloud API, as a client of the /v1 API sees it."""

from __future__ import annotations

import hashlib
from typing import Any

from conftest import BASE, USER, Api, Receiver, Standin, wait_for
from figures import figure

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef"
    "0000000049454e44ae426082"
)


def inbound(receiver: Receiver, kind: str) -> dict[str, Any]:
    """Return the next inbound message of a type that the client's receiver gets."""
    found: list[dict[str, Any]] = []

    def arrived() -> bool:
        while not receiver.bodies.empty():
            found.extend(one for one in receiver.bodies.get().get("messages", []) if one["type"] == kind)
        return bool(found)

    wait_for(arrived, 30, f"no {kind} arrives")
    return found[0]


def test_text_goes_out_and_its_statuses_come_back(api: Api, standin: Standin, receiver: Receiver) -> None:
    answer = api.send("Hello", USER)
    assert answer.status_code == 200, answer.text
    (message,) = answer.json()["messages"]
    assert receiver.statuses_of(message["id"], 2) == ["sent", "delivered"]
    assert "Hello" in str(standin.get(f"messages?to={USER}"))


def test_text_comes_in_and_is_marked_as_read(api: Api, standin: Standin, receiver: Receiver) -> None:
    standin.post("inbound", {"type": "text", "from": USER, "text": "Hello yourself", "name": "Ada"})
    message = inbound(receiver, "text")
    assert (message["from"], message["text"]["body"]) == (USER, "Hello yourself")
    assert api.call("PUT", f"messages/{message['id']}", {"status": "read"}).status_code == 200
    wait_for(lambda: message["id"] in standin.state()["read"], 10, "the message is not marked as read")


def test_picture_goes_out(api: Api, standin: Standin, receiver: Receiver) -> None:
    uploaded = api.session.post(f"{BASE}/v1/media", data=PNG, headers={"Content-Type": "image/png"}, timeout=30)
    assert uploaded.status_code == 200, uploaded.text
    image = {"id": uploaded.json()["media"][0]["id"], "caption": "A square"}
    answer = api.call("POST", "messages", {"to": USER, "type": "image", "image": image})
    assert answer.status_code == 200, answer.text
    (message,) = answer.json()["messages"]
    assert receiver.statuses_of(message["id"], 2) == ["sent", "delivered"]
    assert standin.state()["media"]["uploaded"] >= 1


def test_picture_comes_in(api: Api, standin: Standin, receiver: Receiver) -> None:
    standin.post("inbound", {"type": "image", "from": USER, "name": "Ada"})
    image = inbound(receiver, "image")["image"]
    file = api.session.get(f"{BASE}/v1/media/{image['id']}", timeout=30)
    assert (file.status_code, hashlib.sha256(file.content).hexdigest()) == (200, image["sha256"])


def test_thousand_messages_in_one_webhook_arrive_once(standin: Standin, receiver: Receiver) -> None:
    """The largest webhook that Meta documents: 1,000 updates in 3 MB."""
    text = "x" * 2300
    standin.post("behaviour", {"hold_webhooks": True, "batch": 1000})
    before = standin.state()["webhooks"]
    sent = standin.post("inbound", {"text": text, "from": "15570000000", "count": 1000, "users": 100})["ids"]
    standin.post("behaviour", {"hold_webhooks": False})
    found: list[str] = []

    def arrived() -> bool:
        while not receiver.bodies.empty():
            found.extend(
                one["id"]
                for one in receiver.bodies.get().get("messages", [])
                if one.get("text", {}).get("body") == text
            )
        return set(sent) <= set(found)

    try:
        seconds = wait_for(arrived, 180, "the messages do not arrive")
    finally:
        standin.post("behaviour", {"batch": 50})
    figure("1,000 messages of one webhook", f"reached the application after {seconds:.1f} s")
    after = standin.state()["webhooks"]
    assert (after["posts"] - before["posts"], after["failed"] - before["failed"]) == (1, 0), "it is one webhook"
    assert sorted(found) == sorted(sent)
