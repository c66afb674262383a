# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The scrape configuration of a Prometheus, and the numbers that its alerts expect, from the topology of a cluster. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.waba.cluster.plugins.module_utils._internal.addresses import in_url
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

Topology = Mapping[str, Any]
Settings = Mapping[str, Any]

LOCAL = "localhost"
SHORTEST, LONGEST = 5, 120  # seconds; Prometheus forgets a value after five minutes
TIMEOUT = 10  # seconds
REPORTING_WEBAPPS = (
    2  # of those that report about the whole cluster: one may fail, and more would only repeat its values
)
DURATION = re.compile(r"([0-9]{1,4})(s|m)")
# Kind of the job: path. All webapps answer the first; REPORTING_WEBAPPS answer the others, for all nodes.
OWN = {"webapp": "/metrics"}
SHARED = {
    "cluster": "/v1/stats/cluster",
    "nodes": "/v1/stats/app",
    "processes": "/v1/stats/app/internal",
}
DATABASE = {"database": "/v1/stats/db", "tables": "/v1/stats/db/internal"}
DATABASE_INTERVAL = 60  # seconds at least: the database counts its rows


class Webapp(NamedTuple):
    """A webapp as Prometheus finds it. host: in the inventory. name: of the service. address: host and port."""

    host: str
    name: str
    address: str


def webapps(topology: Topology, prometheus_host: str) -> list[Webapp]:
    """Return the webapps of the cluster. prometheus_host: in the inventory; it reaches its own webapps also where they are published locally."""
    found = []
    for node in topology["nodes"]:
        if node["role"] == "webapp":
            url = urlsplit(topology["hosts"][node["host"]]["public_api_url"])
            address = f"{in_url(url.hostname or '')}:{node['ports'][0]}"
            found.append(Webapp(node["host"], node["name"], address))
    return [one for one in found if one.host == prometheus_host or not one.address.startswith(f"{LOCAL}:")]


def seconds(duration: str) -> int:
    """Return the seconds of a duration such as 15s or 1m; 0 for another text."""
    found = DURATION.fullmatch(duration)
    return int(found[1]) * (60 if found[2] == "m" else 1) if found else 0


def problems(settings: Settings) -> list[Problem]:
    """Return the problems of the settings of the role `monitoring`, whose types are valid."""
    found = []
    interval = settings["monitoring_scrape_interval"]
    if not SHORTEST <= seconds(interval) <= LONGEST:
        text = f"it is no duration from {SHORTEST}s to {LONGEST}s"
        found.append(
            Problem("monitoring_scrape_interval", interval, text, "Write seconds or minutes, such as 15s or 1m")
        )
    for name in ("monitoring_host_exporter_port", "monitoring_database_exporter_port"):
        if not 0 <= settings[name] <= 65535:
            fix = "Write the port of the exporter, or 0 for none"
            found.append(Problem(name, settings[name], "it is no port", fix))
    for name in ("monitoring_dir", "monitoring_ca"):
        if settings[name] and not settings[name].startswith("/"):
            found.append(Problem(name, settings[name], "it is not absolute", "Write the whole path"))
    if not re.fullmatch(r"[a-z_][a-z0-9_-]*[$]?|[0-9]+", settings["monitoring_owner"]):
        fix = "Write the user that runs Prometheus"
        found.append(Problem("monitoring_owner", settings["monitoring_owner"], "it is no name of a user", fix))
    return found


def target_problems(topology: Topology, prometheus_host: str) -> list[Problem]:
    """Return a problem where a Prometheus on a host reaches no webapp."""
    if webapps(topology, prometheus_host):
        return []
    if not topology["totals"]["webapps"]:
        return [
            Problem("waba_group_webapps", None, "the cluster has no webapp to scrape", "Put a host into this group")
        ]
    fix = f"Publish a webapp at an address that {prometheus_host} reaches, or put its host into waba_group_monitoring"
    text = f"{prometheus_host} reaches no webapp: all are published on their own hosts only"
    return [Problem("waba_webapp_publish_address", "127.0.0.1", text, fix)]


def scrape_configs(topology: Topology, settings: Settings, prometheus_host: str, key_file: str) -> list[dict[str, Any]]:
    """Return the entries of `scrape_configs`. key_file: the path of the file with the API key, which is no part of the configuration."""
    cluster, interval = topology["cluster_name"], seconds(settings["monitoring_scrape_interval"])
    found = webapps(topology, prometheus_host)
    every = [_targets(cluster, "webapp", one.address, one.host, webapp=one.name) for one in found]
    configs = [_of_webapps(cluster, kind, path, every, interval, settings, key_file) for kind, path in OWN.items()]
    slower = max(interval, DATABASE_INTERVAL)
    paths = {path: (kind, interval) for kind, path in SHARED.items()}
    if settings["monitoring_database_statistics"]:
        paths.update({path: (kind, slower) for kind, path in DATABASE.items()})
    for path, (kind, pause) in paths.items():
        some = [_targets(cluster, kind, one.address, one.host) for one in _reporting(found)]
        configs.append(_of_webapps(cluster, kind, path, some, pause, settings, key_file))
    exporters = (
        ("host", "monitoring_host_exporter_port", list(topology["hosts"])),
        ("database-server", "monitoring_database_exporter_port", topology["database"]["hosts"]),
    )
    for kind, setting, hosts in exporters:
        if settings[setting] and hosts:
            addresses = {
                host: f"{in_url(topology['hosts'][host]['external_hostname'])}:{settings[setting]}" for host in hosts
            }
            some = [_targets(cluster, kind, address, host) for host, address in addresses.items()]
            configs.append(_job(cluster, kind, interval, some))
    return configs


def expected_rules(topology: Topology) -> dict[str, Any]:
    """Return the content of a rule file with the numbers that the inventory states, as time series that the alerts compare with."""
    expected, members = topology["expected"], topology["database"]["members"]
    votes = len(members) + bool(topology["database"].get("arbitrator"))  # the server counts its arbitrator as a member
    numbers = {
        "masters": expected["masters"],
        "coreapps": expected["coreapps"],
        "shards": expected["shards"],
        **({"database_members": votes} if members else {}),
    }
    cluster = topology["cluster_name"]
    rules = [
        {"record": f"waba:{name}:expected", "expr": f"vector({number})", "labels": {"cluster": cluster}}
        for name, number in numbers.items()
    ]
    return {"groups": [{"name": f"waba-expected-{cluster}", "rules": rules}]}


def _reporting(found: list[Webapp]) -> list[Webapp]:
    """Return the webapps that report about the whole cluster, on different hosts where possible."""
    firsts = {one.host: one for one in reversed(found)}
    ordered = sorted(found, key=lambda one: firsts[one.host] != one)
    return ordered[:REPORTING_WEBAPPS]


def _of_webapps(
    cluster: str,
    kind: str,
    path: str,
    targets: list[dict[str, Any]],
    interval: int,
    settings: Settings,
    key_file: str,
) -> dict[str, Any]:
    ca = settings["monitoring_ca"]
    return {
        **_job(cluster, kind, interval, targets),
        "metrics_path": path,
        "params": {"format": ["prometheus"]},
        "scheme": "https",
        "authorization": {"type": "Apikey", "credentials_file": key_file},
        "tls_config": {"ca_file": ca} if ca else {"insecure_skip_verify": True},
    }


def _job(cluster: str, kind: str, interval: int, targets: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a job. Its name contains the cluster, because Prometheus refuses the same name twice; its targets have the same label for every cluster."""
    return {
        "job_name": f"waba-{kind}-{cluster}",
        "scrape_interval": f"{interval}s",
        "scrape_timeout": f"{min(interval, TIMEOUT)}s",
        "static_configs": targets,
    }


def _targets(cluster: str, kind: str, address: str, host: str, **labels: str) -> dict[str, Any]:
    return {"targets": [address], "labels": {"job": f"waba-{kind}", "cluster": cluster, "host": host, **labels}}


def file_names(cluster: str) -> dict[str, str]:
    """Return {part: name of its file} of the files that each cluster has its own of."""
    return {
        "scrape": f"scrape-{cluster}.yml",
        "expected": f"expected-{cluster}.yml",
        "api_key": f"api_key-{cluster}",
    }


def documents(topology: Topology, settings: Settings, prometheus_host: str) -> dict[str, dict[str, Any]]:
    """Return {file name: content of the YAML file}. No file contains a secret."""
    names = file_names(topology["cluster_name"])
    key_file = f"{settings['monitoring_dir'].rstrip('/')}/{names['api_key']}"
    return {
        names["scrape"]: {"scrape_configs": scrape_configs(topology, settings, prometheus_host, key_file)},
        names["expected"]: expected_rules(topology),
    }
