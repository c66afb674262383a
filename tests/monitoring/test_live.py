"""A real Prometheus scrapes a real cluster of processes: every query of the dashboards has a result, and a failover is named.

Runs by name, with a database: make test ONLY=monitoring.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import requests
import yaml
from ansible_collections.waba.cluster.plugins.module_utils.monitoring import scrape
from support import DASHBOARDS, ROOT, RULES, queries
from waba_node.config import DatabaseConfig

sys.path.insert(0, str(ROOT / "images/node/tests/webapp"))

from api_support import API_KEY, PASSWORD, Client, Cluster, wait_until

PROMETHEUS = "http://127.0.0.1:{}"
PORTS = itertools.count(20_500)
SETTINGS = {
    "monitoring_dir": "",
    "monitoring_owner": "root",
    "monitoring_ca": "",
    "monitoring_scrape_interval": "5s",
    "monitoring_database_statistics": True,
    "monitoring_host_exporter_port": 0,
    "monitoring_database_exporter_port": 0,
}
NUMBERS = {"masters": 2, "coreapps": 2, "shards": 1}
PATIENCE = 180  # seconds, on a busy machine
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


def free_ports(count: int) -> tuple[int, ...]:
    return tuple(itertools.islice(PORTS, count))


class Prometheus:
    """A Prometheus with the configuration of the role, which scrapes every two seconds."""

    def __init__(self, folder: Path, cluster: Cluster, exporter: int) -> None:
        self.folder, (self.port,) = folder, free_ports(1)
        settings = {**SETTINGS, "monitoring_dir": str(folder), "monitoring_host_exporter_port": exporter}
        documents = scrape.documents(topology(cluster), settings, "here")
        (folder / "api_key-c").write_text(API_KEY, encoding="utf-8")
        configs = documents["scrape-c.yml"]["scrape_configs"]
        for config in configs:
            config.update(scrape_interval="2s", scrape_timeout="2s")
        (folder / "expected-c.yml").write_text(yaml.safe_dump(documents["expected-c.yml"]), encoding="utf-8")
        configuration = {
            "global": {"evaluation_interval": "1s"},
            "rule_files": [str(RULES), str(folder / "expected-c.yml")],
            "scrape_configs": configs,
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdout=log,
                stderr=log,
            )

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the result of a query at this moment, [] while Prometheus starts. Raises AssertionError for an invalid query."""
        url = f"{PROMETHEUS.format(self.port)}/api/v1/query"
        try:
            response = requests.get(url, {"query": expression}, timeout=10)
        except requests.ConnectionError:
            return []
        if response.status_code == requests.codes.service_unavailable:
            return []
        answer = response.json()
        assert answer["status"] == "success", (expression, answer)
        result = answer["data"]["result"]
        return [one for one in result if one["value"][1] != "NaN"]

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        return {one["metric"]["alertname"] for one in self.query('ALERTS{alertstate="firing"}')}


def topology(cluster: Cluster) -> dict[str, Any]:
    nodes = [
        {"host": "here", "role": "webapp", "name": name, "ports": [port]} for name, port in cluster.https_ports.items()
    ]
    return {
        "cluster_name": "c",
        "nodes": nodes,
        "hosts": {"here": {"public_api_url": "https://127.0.0.1:1", "external_hostname": "127.0.0.1"}},
        "totals": {"webapps": len(nodes)},
        "expected": NUMBERS,
        "database": {"hosts": ["here"], "members": []},
    }


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    url = urlsplit(os.environ["WABA_TEST_DATABASE"])
    name = f"{url.path.strip('/')}_{secrets.token_hex(4)}_"
    assert url.hostname
    config = DatabaseConfig(
        url.hostname, url.port or 3306, url.username or "", unquote(url.password or ""), name, 180.0
    )
    made = Cluster(config, tmp_path_factory.mktemp("cluster"), free_ports)
    made.start()
    made.start_node("master2", WA_MASTER_NODE="1")
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def admin(cluster: Cluster) -> Client:
    """The administrator's session, once the cluster is complete."""
    certificate = cluster.folder / "webapp1" / "web.pem"
    wait_until(certificate.exists, PATIENCE)
    client = Client(cluster.urls[0], certificate)
    monitor = client.as_caller(f"Apikey {API_KEY}")

    def is_complete() -> bool:
        try:
            health = monitor.call("GET", "/v1/health").json().get("health", {})
        except requests.ConnectionError:
            return False
        return len(health) == 4 and [one["gateway_status"] for one in health.values()].count("connected") == 1

    wait_until(is_complete, PATIENCE)
    token = client.login("secret", {"new_password": PASSWORD}).json()["users"][0]["token"]
    return client.as_caller(f"Bearer {token}")


@pytest.fixture(scope="module")
def prometheus(cluster: Cluster, admin: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    assert admin
    (exporter,) = free_ports(1)
    command = ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{exporter}"]
    hosts = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    made = Prometheus(tmp_path_factory.mktemp("prometheus"), cluster, exporter)
    try:
        yield made
    finally:
        for process in (made.process, hosts):
            process.terminate()
            process.wait(20)


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
    wait_until(lambda: len(prometheus.query("up == 1")) == 13, PATIENCE)
    jobs = {one["metric"]["job"]: one["value"][1] for one in prometheus.query("count by (job) (up)")}
    shared = dict.fromkeys(("cluster", "nodes", "processes", "database", "tables", "webapp"), "2")
    assert jobs == {f"waba-{kind}": number for kind, number in {**shared, "host": "1"}.items()}


def test_failover_is_named_and_nothing_else_fires(prometheus: Prometheus, cluster: Cluster, admin: Client) -> None:
    wait_until(lambda: len(prometheus.query("waba:shard_epoch")) == 1, PATIENCE)
    assert prometheus.firing() <= {"WabaShardFailover", "WabaMasterFailover", "WabaDiskFull"}  # of the start
    shards = admin.call("GET", "/v1/stats/cluster").json()["stats"]["cluster"]["cluster_shard_epoch"]["data"]
    owner = shards[0]["labels"]["owner"]
    cluster.nodes[owner.split(":")[1]].stop(signal.SIGKILL)
    [survivor] = {"127.0.0.1:coreapp1", "127.0.0.1:coreapp2"} - {owner}

    def is_named() -> bool:
        named = prometheus.query(f'ALERTS{{alertname="WabaShardFailover", alertstate="firing", owner="{survivor}"}}')
        return bool(named)

    wait_until(is_named, PATIENCE)
    pending = prometheus.query(f'ALERTS{{alertname="WabaNodeDown", alertstate="pending", node="{owner}"}}')
    assert pending
    assert prometheus.firing() <= {"WabaShardFailover", "WabaMasterFailover", "WabaDiskFull"}
