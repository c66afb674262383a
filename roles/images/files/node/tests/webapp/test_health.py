from __future__ import annotations

import signal

from api_support import Client, Cluster, wait_until


def nodes(monitor: Client) -> dict[str, dict]:
    answer = monitor.call("GET", "/v1/health")
    assert answer.status_code == 200
    return answer.json()["health"]


def test_health_lists_every_master_and_coreapp_with_its_role(monitor: Client) -> None:
    health = nodes(monitor)
    assert {name: node["role"] for name, node in health.items()} == {
        "127.0.0.1:coreapp1": "coreapp",
        "127.0.0.1:coreapp2": "coreapp",
        "127.0.0.1:master1": "primary_master",
    }
    assert sorted(node["gateway_status"] for node in health.values()) == ["connected", "disconnected", "disconnected"]


def handled(monitor: Client) -> int:
    return monitor.call("GET", "/metrics").json()["metrics"]["web_handled_requests"]["data"][0]["value"]


def test_every_request_is_counted(monitor: Client) -> None:
    before = handled(monitor)
    monitor.call("GET", "/v1/nothing")
    monitor.call("GET", "/")
    assert handled(monitor) - before == 3


def test_node_that_does_not_answer_is_disconnected_with_an_error(monitor: Client, cluster: Cluster) -> None:
    spare = next(
        name for name, node in nodes(monitor).items() if node == {"gateway_status": "disconnected", "role": "coreapp"}
    )
    name = spare.split(":")[1]
    cluster.nodes[name].stop(signal.SIGKILL)
    silent = nodes(monitor)[spare]
    assert (silent["gateway_status"], silent["role"]) == ("disconnected", "coreapp")
    assert [problem["code"] for problem in silent["errors"]] == [1014]
    text = monitor.call("GET", "/v1/stats/cluster?format=prometheus").text
    assert f'cluster_node_up{{node="{spare}",kind="coreapp"}} 0' in text
    assert f'cluster_node_info{{node="{spare}",' not in text
    cluster.start_node(name)
    wait_until(lambda: "errors" not in nodes(monitor)[spare])
