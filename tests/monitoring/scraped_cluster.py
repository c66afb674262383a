"""A cluster of processes, and a Prometheus with the files of the role `monitoring` that scrapes it.

WABA_TEST_DATABASE names the database server (tests/tools/with_database); `prometheus` and `prometheus-node-exporter` are on PATH.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
import yaml
from ansible_collections.waba.cluster.plugins.module_utils._internal.monitoring import scrape
from support import ROOT, RULES
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
TARGETS = 13  # of the configuration: six jobs at two webapps, and the exporter of this machine
OF_THE_MACHINE = "WabaDiskFull"  # its alert depends on the disks of the machine that runs the tests


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

    def history(self, expression: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """Return the series of a range query, each with `metric` and `values`. start, end, step: in seconds."""
        url = f"{PROMETHEUS.format(self.port)}/api/v1/query_range"
        times = {"start": str(start), "end": str(end), "step": str(step)}
        answer = requests.get(url, {"query": expression, **times}, timeout=60).json()
        assert answer["status"] == "success", (expression, answer)
        series: list[dict[str, Any]] = answer["data"]["result"]
        return series

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


@contextlib.contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Yield a cluster of two masters, two coreapps and two webapps, which write to an existing folder."""
    url = urlsplit(os.environ["WABA_TEST_DATABASE"])
    name = f"{url.path.strip('/')}_{secrets.token_hex(4)}_"
    assert url.hostname
    config = DatabaseConfig(
        url.hostname, url.port or 3306, url.username or "", unquote(url.password or ""), name, 180.0
    )
    made = Cluster(config, folder, free_ports)
    made.start()
    made.start_node("master2", WA_MASTER_NODE="1")
    try:
        yield made
    finally:
        made.stop()


def admin_session(cluster: Cluster) -> Client:
    """Return the administrator's session, once the cluster is complete. The password is PASSWORD then."""
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


def connected_coreapp(admin: Client) -> tuple[str, str]:
    """Return the node that owns the shard, and the other coreapp: each a host and a name, separated by a colon."""
    shards = admin.call("GET", "/v1/stats/cluster").json()["stats"]["cluster"]["cluster_shard_epoch"]["data"]
    owner: str = shards[0]["labels"]["owner"]
    [other] = {"127.0.0.1:coreapp1", "127.0.0.1:coreapp2"} - {owner}
    return owner, other


@contextlib.contextmanager
def running_prometheus(folder: Path, cluster: Cluster) -> Iterator[Prometheus]:
    """Yield a Prometheus that scrapes a cluster and this machine's exporter, and writes to an existing folder."""
    (exporter,) = free_ports(1)
    command = ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{exporter}"]
    hosts = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    made = Prometheus(folder, cluster, exporter)
    try:
        yield made
    finally:
        for process in (made.process, hosts):
            process.terminate()
            process.wait(20)
