"""Nodes are taken out of service one by one, as an upgrade does it, and put back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from api_support import Client, Cluster, Node, wait_until

DRAINING = "unhealthy: draining: out of service until it is told to resume or is restarted"


class Flow:
    """A client that sends one message after the other, until it is told to stop."""

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
    """The connected coreapp, once the other one stands by; afterwards every node is in service."""

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


def test_a_drained_coreapp_passes_its_shard_on_while_clients_wait(
    connected: Node, admin: Client, monitor: Client
) -> None:
    with Flow(admin) as flow:
        status, said = connected.command("drain")
    assert status == 0, said
    assert f"127.0.0.1:{connected.name} is out of service after" in said
    assert set(flow.answers) == {200}
    # A webapp waits three seconds for a shard that moves, and no call was refused.
    assert connected.health_line() == DRAINING
    health = monitor.call("GET", "/v1/health").json()["health"]
    assert f"127.0.0.1:{connected.name}" not in health
    assert [node["gateway_status"] for node in health.values() if node["role"] == "coreapp"] == ["connected"]


def test_the_last_coreapp_is_not_drained_unless_forced(connected: Node, cluster: Cluster, admin: Client) -> None:
    (spare,) = {"coreapp1", "coreapp2"} - {connected.name}
    assert cluster.nodes[spare].command("drain")[0] == 0  # it owns nothing, so nothing is waited for
    status, said = connected.command("drain")
    assert (status, connected.health_line()) == (1, "ok")
    assert (
        "no other coreapp stands by that could take over shard 0; --force takes it out of service all the same" in said
    )
    status, said = connected.command("drain", "--force", "--timeout", "1")
    assert status == 1
    assert "after 1 s still waits for the promotion of another coreapp for shard 0" in said
    assert cluster.nodes[spare].command("resume")[0] == 0
    message = {"to": "15551234567", "type": "text", "text": {"body": "to who came back"}}
    wait_until(lambda: admin.call("POST", "/v1/messages", message).status_code == 200)


def test_a_stopped_coreapp_passes_its_shard_on_while_clients_wait(
    connected: Node, cluster: Cluster, admin: Client
) -> None:
    with Flow(admin) as flow:
        connected.stop()
    assert set(flow.answers) == {200}
    # A webapp waits three seconds for a shard that moves, and no call was refused.
    cluster.start_node(connected.name)
    wait_until(lambda: "registered" in connected.log.read_text())


@pytest.mark.usefixtures("connected")
def test_a_drained_webapp_sends_load_balancers_away_and_still_answers(cluster: Cluster, admin: Client) -> None:
    webapp = cluster.nodes["webapp1"]
    status, said = webapp.command("drain")
    assert status == 0, said
    assert webapp.health_line() == DRAINING
    assert admin.call("GET", "/").status_code == 503
    assert admin.call("GET", "/v1/settings/application").status_code == 200
    assert webapp.command("resume")[0] == 0
    assert admin.call("GET", "/").status_code == 200


@pytest.mark.usefixtures("connected")
def test_a_stopped_webapp_answers_what_has_come(cluster: Cluster, admin: Client) -> None:
    webapp, answers = cluster.nodes["webapp1"], []
    slow = threading.Thread(target=lambda: answers.append(admin.login("Wr0ng-password").status_code))
    slow.start()  # a password is hashed for a while
    time.sleep(0.1)
    webapp.stop()
    slow.join()
    cluster.start_webapp("webapp1")
    assert answers == [401]


@pytest.mark.usefixtures("connected")
def test_the_only_master_is_not_drained_and_another_takes_over_at_once(cluster: Cluster, admin: Client) -> None:
    status, said = cluster.nodes["master1"].command("drain")
    assert status == 1
    assert "no other master answers that could take the lease over" in said
    second = cluster.start_node("master2", WA_MASTER_NODE="1")
    wait_until(lambda: second.health_line() == "ok")
    time.sleep(1)  # the first has read that there is a second
    status, said = cluster.nodes["master1"].command("drain")
    assert status == 0, said
    (holder,) = cluster.rows("SELECT holder FROM lease WHERE expires_at > UTC_TIMESTAMP(6)")
    assert holder == ("127.0.0.1:master2",)
    wait_until(lambda: admin.call("PATCH", "/v1/settings/application", {"sent_status": True}).status_code == 200)
    assert cluster.nodes["master1"].command("resume")[0] == 0
    second.stop()
    cluster.nodes.pop("master2")
    wait_until(lambda: admin.call("PATCH", "/v1/settings/application", {"sent_status": True}).status_code == 200)


def test_without_a_running_node_the_command_says_so(cluster: Cluster) -> None:
    node = cluster.nodes["webapp2"]
    node.environment["WABA_LISTEN_PORTS"] = "1,2,3,4"
    try:
        status, said = node.command("drain")
    finally:
        node.environment["WABA_LISTEN_PORTS"] = ",".join(map(str, node.ports))
    assert status == 1
    assert "was not drained: 127.0.0.1:3 does not answer" in said
