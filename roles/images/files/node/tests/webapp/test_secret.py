"""The shared secret of a cluster's nodes."""

from __future__ import annotations

from api_support import Client, Cluster, Node, wait_until


def test_nodes_agree_on_a_secret_if_none_is_configured(cluster: Cluster, admin: Client) -> None:
    assert "WA_SECRET" not in cluster.environment
    message = {"to": "15551234567", "type": "text", "text": {"body": "signed all the way"}}
    assert admin.call("POST", "/v1/messages", message).status_code == 200
    for node in cluster.nodes.values():
        wait_until(lambda node=node: node.health_line() == "ok")


def test_node_with_another_secret_is_refused_and_reports_it(cluster: Cluster, monitor: Client) -> None:
    stranger: Node = cluster.start_node("coreapp9", WA_SECRET="not-that-of-the-others")
    try:
        wait_until(
            lambda: "WA_SECRET is not the secret of the primary master 127.0.0.1:master1" in stranger.health_line()
        )
        wait_until(lambda: "registered" in stranger.log.read_text())
        health = monitor.call("GET", "/v1/health").json()["health"]["127.0.0.1:coreapp9"]
        assert "refuses the calls of this node: the call is not signed with" in health["errors"][0]["details"]
        assert cluster.nodes["master1"].health_line() == "ok"
        wait_until(lambda: "calling 127.0.0.1:coreapp9" in cluster.nodes["master1"].log.read_text())
        assert "not-that-of-the-others" not in cluster.logs()
    finally:
        stranger.stop()
        cluster.nodes.pop("coreapp9")
