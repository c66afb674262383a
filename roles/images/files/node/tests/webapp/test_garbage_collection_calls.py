"""Garbage collection with real processes, from the call to the webhook that reports the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api_support import Client
from test_messages import deliver_to

if TYPE_CHECKING:
    from tests.conftest import Receiver

__all__ = ["deliver_to"]


def ends(receiver: Receiver, kind: str) -> list[dict]:
    entries = [service for hook in receiver.received for service in hook.get("services", ())]
    return [service[kind]["gc"] for service in entries if kind in service]


def begun(client: Client, kind: str) -> dict:
    answer = client.call("PUT", f"/v1/services/{kind}/gc")
    assert answer.status_code == 200, answer.text
    return answer.json()["services"][kind]["gc"]


def test_every_coreapp_collects_messages_and_reports_the_end(
    admin: Client, monitor: Client, deliver_to: Any, receiver: Receiver
) -> None:
    deliver_to(receiver.url)
    health = monitor.call("GET", "/v1/health").json()["health"]
    coreapps = {name for name, node in health.items() if node["role"] == "coreapp"}
    assert begun(admin, "message") == {name: {"status": "processing"} for name in coreapps}
    receiver.wait(lambda: {gc["node"] for gc in ends(receiver, "message")} == coreapps)
    assert {gc["status"] for gc in ends(receiver, "message")} == {"complete"}


def test_primary_master_collects_media_and_reports_the_end(admin: Client, deliver_to: Any, receiver: Receiver) -> None:
    deliver_to(receiver.url)
    assert begun(admin, "media") == {"status": "processing"}
    receiver.wait(lambda: ends(receiver, "media"))
    assert ends(receiver, "media") == [{"items_deleted": 0, "status": "complete"}]
