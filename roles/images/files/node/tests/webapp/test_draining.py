"""Draining of single nodes, as an upgrade does it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from api_support import Client, Cluster, Node, wait_until

DRAINING = "unhealthy: draining: out of service until it is resumed or restarted"


class Flow:
    """A client that sends messages one after the other until it is stopped."""

    def __init__(self, client: Client) -> None:
        self.client, self.stopping = client, threading.Event()
        self.answers: list[int] = []
        self.thread = threading.Thread(target=self.send)

    def send(self) -> None:
        message = {"to": "15551234567", "type": "text", "text": {"body": "on the move"}}
        while not self.stopping.is_set():
            self.answers.append(self.client.call("POST", "/v1/messages", message).status_code)

    def __enter__(self) -> Flow:
        self.thread.start()
        wait_until(lambda: self.answers)
        return self

    def __exit__(self, *_: object) -> None:
        sent = len(self.answers)
        wait_until(lambda: len(self.answers) > sent + 1 or not self.thread.is_alive())
        self.stopping.set()
        self.thread.join()


@pytest.fixture
def connected(cluster: Cluster, monitor: Client) -> Iterator[Node]:
    """The connected coreapp, once the other one is standby. Afterwards every node is in service."""

    def coreapps(status: str) -> list[str]:
        health = monitor.call("GET", "/v1/health").json()["health"]
        return [name for name, node in health.items() if (node["role"], node["gateway_status"]) == ("coreapp", status)]

    wait_until(lambda: len(coreapps("connected")) == len(coreapps("disconnected")) == 1)
    time.sleep(1)  # the master has heard it too
    yield cluster.nodes[coreapps("connected")[0].rpartition(":")[2]]
    for node in cluster.nodes.values():
        if node.health_line() == DRAINING:
            assert node.command("resume")[0] == 0
        wait_until(lambda node=node: node.health_line() == "ok")


def test_drained_coreapp_hands_over_its_shard_without_refusing_calls(
    connected: Node, admin: Client, monitor: Client
) -> None:
    with Flow(admin) as flow:
        status, output = connected.command("drain")
    assert status == 0, output
    assert f"127.0.0.1:{connected.name} is out of service after" in output
    assert set(flow.answers) == {200}
    assert connected.health_line() == DRAINING
    health = monitor.call("GET", "/v1/health").json()["health"]
    assert f"127.0.0.1:{connected.name}" not in health
    assert [node["gateway_status"] for node in health.values() if node["role"] == "coreapp"] == ["connected"]


def test_last_coreapp_is_drained_only_with_force(connected: Node, cluster: Cluster, admin: Client) -> None:
    (spare,) = {"coreapp1", "coreapp2"} - {connected.name}
    assert cluster.nodes[spare].command("drain")[0] == 0  # it owns nothing, so the drain ends at once
    status, output = connected.command("drain")
    assert (status, connected.health_line()) == (1, "ok")
    assert (
        "no other coreapp is on standby that could take over shard 0; --force takes it out of service all the same"
        in output
    )
    status, output = connected.command("drain", "--force", "--timeout", "1")
    assert status == 1
    assert "after 1 s still waits for the promotion of another coreapp for shard 0" in output
    assert cluster.nodes[spare].command("resume")[0] == 0
    message = {"to": "15551234567", "type": "text", "text": {"body": "after the resume"}}
    wait_until(lambda: admin.call("POST", "/v1/messages", message).status_code == 200)


def test_stopped_coreapp_hands_over_its_shard_without_refusing_calls(
    connected: Node, cluster: Cluster, admin: Client
) -> None:
    with Flow(admin) as flow:
        connected.stop()
    assert set(flow.answers) == {200}
    cluster.start_node(connected.name)
    wait_until(lambda: "registered" in connected.log.read_text())


@pytest.mark.usefixtures("connected")
def test_drained_webapp_fails_load_balancer_checks_and_still_answers(cluster: Cluster, admin: Client) -> None:
    webapp = cluster.nodes["webapp1"]
    status, output = webapp.command("drain")
    assert status == 0, output
    assert webapp.health_line() == DRAINING
    assert admin.call("GET", "/").status_code == 503
    answer = admin.call("GET", "/v1/settings/application")
    assert (answer.status_code, answer.headers["Connection"]) == (200, "close")
    assert webapp.command("resume")[0] == 0
    assert admin.call("GET", "/").status_code == 200
    assert "Connection" not in admin.call("GET", "/v1/settings/application").headers


@pytest.mark.usefixtures("connected")
def test_stopped_webapp_finishes_the_calls_in_progress(cluster: Cluster, admin: Client) -> None:
    webapp, answers = cluster.nodes["webapp1"], []
    client = admin.as_caller("")
    client.call("GET", "/v1/health")  # connects, so that the login arrives at once

    def login() -> None:
        answer = client.call("POST", "/v1/users/login", auth=("admin", "Wr0ng-password"))
        answers.append(answer.status_code)

    slow = threading.Thread(target=login)
    slow.start()  # hashing a password takes a while
    time.sleep(0.1)
    webapp.stop()
    slow.join()
    cluster.start_webapp("webapp1")
    assert answers == [401]


@pytest.mark.usefixtures("connected")
def test_only_master_is_not_drained_and_a_second_one_takes_over_at_once(cluster: Cluster, admin: Client) -> None:
    status, output = cluster.nodes["master1"].command("drain")
    assert status == 1
    assert "no other master answers that could take the lease over" in output
    second = cluster.start_node("master2", WA_MASTER_NODE="1")
    wait_until(lambda: second.health_line() == "ok")
    time.sleep(1)  # the first master detects the second one
    status, output = cluster.nodes["master1"].command("drain")
    assert status == 0, output
    (holder,) = cluster.rows("SELECT holder FROM lease WHERE expires_at > UTC_TIMESTAMP(6)")
    assert holder == ("127.0.0.1:master2",)
    wait_until(lambda: admin.call("PATCH", "/v1/settings/application", {"sent_status": True}).status_code == 200)
    assert cluster.nodes["master1"].command("resume")[0] == 0
    second.stop()
    cluster.nodes.pop("master2")
    wait_until(lambda: admin.call("PATCH", "/v1/settings/application", {"sent_status": True}).status_code == 200)


def test_drain_command_reports_that_no_node_runs(cluster: Cluster) -> None:
    node = cluster.nodes["webapp2"]
    node.environment["WABA_LISTEN_PORTS"] = "1,2,3,4"
    try:
        status, output = node.command("drain")
    finally:
        node.environment["WABA_LISTEN_PORTS"] = ",".join(map(str, node.ports))
    assert status == 1
    assert "was not drained: 127.0.0.1:3 does not answer" in output
