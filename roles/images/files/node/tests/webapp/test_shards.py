"""Changes of the number of shards under traffic, with real processes."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import pytest
from api_support import Client, Cluster, error_of, wait_until

SHARDS = "/v1/account/shards"
NUMBER = {"cc": "49", "phone_number": "15112345678"}
LONG = 60.0  # seconds: generous, because the test concerns messages and not speed


@pytest.fixture
def third_coreapp(cluster: Cluster, admin: Client, monitor: Client) -> Iterator[None]:
    """A third coreapp, removed afterwards."""
    account = admin.call("GET", "/v1/settings/application").json()["settings"]["application"]["wa_id"]
    assert account in ("", "".join(NUMBER.values())), "the number of the registration test"
    cluster.start_node("coreapp3")
    wait_until(lambda: len(statuses(monitor)) == 4 and "uninitialized" not in statuses(monitor).values(), LONG)
    yield
    change_to(admin, 1)
    wait_until(lambda: connected(monitor) == {"coreapp": 1}, LONG)
    cluster.nodes.pop("coreapp3").stop()
    wait_until(lambda: len(statuses(monitor)) == 3 and connected(monitor) == {"coreapp": 1}, LONG)


def statuses(monitor: Client) -> dict[str, str]:
    health = monitor.call("GET", "/v1/health").json().get("health", {})
    return {name: node["gateway_status"] for name, node in health.items()}


def connected(monitor: Client) -> dict[str, int]:
    """Return the number of connected nodes by role."""
    health = monitor.call("GET", "/v1/health").json().get("health", {}).values()
    roles = [node["role"] for node in health if node["gateway_status"] == "connected"]
    return {role: roles.count(role) for role in roles}


def change_to(admin: Client, shards: int) -> None:
    """Change the number of shards, and retry while the answer is 503: the primary master detects a new node later."""

    def taken() -> bool:
        answer = admin.call("POST", SHARDS, {**NUMBER, "shards": shards})
        assert answer.status_code in (201, 503), answer.text
        return answer.status_code == 201

    wait_until(taken, LONG)


def count(admin: Client) -> int:
    return admin.call("GET", SHARDS).json()["account"]["shards"]


class Flow:
    """A client that sends messages to many recipients until it is stopped."""

    def __init__(self, client: Client) -> None:
        self.client, self.accepted, self.refused = client, [], []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.send)

    def __enter__(self) -> Flow:
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.over.set()
        self.thread.join()

    def send(self) -> None:
        for number in itertools.count():
            if self.over.is_set():
                return
            body = {"to": f"49151000{number % 50:04}", "type": "text", "text": {"body": str(number)}}
            answer = self.client.call("POST", "/v1/messages", body)
            if answer.status_code == 200:
                self.accepted.append(answer.json()["messages"][0]["id"])
            else:
                self.refused.append(error_of(answer))


def test_changing_the_number_of_shards_loses_no_accepted_message(
    cluster: Cluster, admin: Client, monitor: Client, third_coreapp: None
) -> None:
    with Flow(admin.as_caller(admin.session.headers["Authorization"])) as flow:
        wait_until(lambda: len(flow.accepted) > 20, LONG)
        for shards in (2, 1):
            before = len(flow.accepted)
            change_to(admin, shards)
            wait_until(lambda shards=shards: count(admin) == shards, LONG)
            served = {"coreapp": 2, "primary_master": 1} if shards == 2 else {"coreapp": 1}
            wait_until(lambda served=served: connected(monitor) == served, LONG)
            wait_until(lambda before=before: len(flow.accepted) > before + 50, LONG)
    assert {status for status, _code in flow.refused} <= {503}, "only errors that a retry can resolve"
    owned = {shard for (shard,) in cluster.rows("SELECT shard FROM shard_map WHERE owner IS NOT NULL")}
    assert owned == {0}

    def waiting() -> set[str]:
        return {name for (name,) in cluster.rows("SELECT message_id FROM message WHERE status = 'accepted'")}

    stored = {name for (name,) in cluster.rows("SELECT message_id FROM message")}
    assert set(flow.accepted) <= stored
    wait_until(lambda: not waiting() & set(flow.accepted), LONG)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"shards": 3}, (400, 1009)),
        ({"shards": 0}, (400, 1009)),
        ({"shards": "two"}, (400, 1009)),
        ({"shards": "3"}, (400, 1009)),
        ({"shards": ...}, (400, 1008)),
        ({"cc": ...}, (400, 1008)),
        ({"shards": 2}, (503, 1011)),  # two coreapps: none would be standby
        ({"shards": 32}, (503, 1011)),
    ],
)
def test_invalid_number_of_shards_is_refused(admin: Client, change: dict, expected: tuple[int, int]) -> None:
    body = {name: value for name, value in {**NUMBER, "shards": 1, **change}.items() if value is not ...}
    assert error_of(admin.call("POST", SHARDS, body)) == expected
    assert count(admin) == 1


def test_current_number_of_shards_changes_nothing(cluster: Cluster, admin: Client, monitor: Client) -> None:
    wait_until(lambda: connected(monitor) == {"coreapp": 1}, LONG)
    before = cluster.rows("SELECT owner, epoch FROM shard_map")
    assert admin.call("POST", SHARDS, {**NUMBER, "shards": 1}).status_code == 201
    assert cluster.rows("SELECT owner, epoch FROM shard_map") == before
