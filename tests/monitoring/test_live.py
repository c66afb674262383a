"""A real Prometheus scrapes a real cluster of processes: every query of the dashboards has a result, and a failover is named.

Runs by name, with a database: make test ONLY=monitoring.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from scraped_cluster import (
    OF_THE_MACHINE,
    PATIENCE,
    TARGETS,
    Client,
    Cluster,
    Prometheus,
    admin_session,
    connected_coreapp,
    running_cluster,
    running_prometheus,
    wait_until,
)
from support import DASHBOARDS, queries

TOLERATED = {"WabaShardFailover", "WabaMasterFailover", OF_THE_MACHINE}  # the first two also report the start
# This cluster has none of these: an upstream at Meta, several database members, a failed transaction, a problem, an alert.
WITHOUT_RESULT = (
    "cloud_webhook_",
    "upstream_",
    "db_members",
    "db_receive_queue",
    "process_problems",
    'ALERTS{alertname=~"Waba.*", cluster',
    'ALERTS{alertname=~"Waba(Shard',
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture(scope="module")
def admin(cluster: Cluster) -> Client:
    return admin_session(cluster)


@pytest.fixture(scope="module")
def prometheus(cluster: Cluster, admin: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    assert admin
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), cluster) as made:
        yield made


def send(admin: Client, seconds: float, until: Callable[[], bool]) -> None:
    """Send a message about every tenth of a second until a condition holds. Each causes webhooks and an inbound message."""
    message = {"to": "4915112345678", "type": "text", "text": {"body": "Hello"}}
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline
        admin.call("POST", "/v1/messages", {**message, "biz_opaque_callback_data": "loopback:answer"})
        time.sleep(0.1)


def test_every_query_of_the_dashboards_has_a_result(prometheus: Prometheus, admin: Client) -> None:
    receiver = "https://127.0.0.1:9/hooks"  # nothing listens: deliveries are tried
    assert admin.call("PATCH", "/v1/settings/application", {"webhooks": {"url": receiver}}).status_code == 200
    wanted = [
        (path.stem, title, query)
        for path in DASHBOARDS
        for title, query in queries(path)
        if not any(word in query for word in WITHOUT_RESULT)
    ]
    assert len(wanted) > 45
    empty: list[tuple[str, str, str]] = wanted

    def have_results() -> bool:
        nonlocal empty
        empty = [one for one in empty if not prometheus.query(one[2])]
        return not empty

    try:
        send(admin, PATIENCE, have_results)
    except AssertionError:
        pytest.fail(json.dumps(empty, indent=1))
    for path in DASHBOARDS:
        for _title, query in queries(path):
            prometheus.query(query)  # also those without a result are valid
    admin.call("DELETE", "/v1/settings/application")


def test_every_target_is_scraped(prometheus: Prometheus) -> None:
    wait_until(lambda: len(prometheus.query("up == 1")) == TARGETS, PATIENCE)
    jobs = {one["metric"]["job"]: one["value"][1] for one in prometheus.query("count by (job) (up)")}
    shared = dict.fromkeys(("cluster", "nodes", "processes", "database", "tables", "webapp"), "2")
    assert jobs == {f"waba-{kind}": number for kind, number in {**shared, "host": "1"}.items()}


def test_failover_is_named_and_nothing_else_fires(prometheus: Prometheus, cluster: Cluster, admin: Client) -> None:
    wait_until(lambda: len(prometheus.query("waba:shard_epoch")) == 1, PATIENCE)
    assert prometheus.firing() <= TOLERATED
    owner, survivor = connected_coreapp(admin)
    cluster.nodes[owner.split(":")[1]].stop(signal.SIGKILL)

    def is_named() -> bool:
        named = prometheus.query(f'ALERTS{{alertname="WabaShardFailover", alertstate="firing", owner="{survivor}"}}')
        return bool(named)

    wait_until(is_named, PATIENCE)
    pending = prometheus.query(f'ALERTS{{alertname="WabaNodeDown", alertstate="pending", node="{owner}"}}')
    assert pending
    assert prometheus.firing() <= TOLERATED
