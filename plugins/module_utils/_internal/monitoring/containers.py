# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The containers of Prometheus and Alertmanager: their Compose document, the configuration of Prometheus, problems of their settings. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.module_utils._internal.addresses import in_url, is_address
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

Settings = Mapping[str, Any]

USER = 10001  # in images/monitoring/Containerfile
PORTS = {"prometheus": "monitoring_prometheus_port", "alertmanager": "monitoring_alertmanager_port"}
DATA = {name: f"/var/lib/waba-{name}" for name in PORTS}
STOP_GRACE_PERIOD = "60s"  # Prometheus writes its memory to disk
RETENTION = re.compile(r"[1-9][0-9]{0,4}[hdwy]")


def project_name(cluster: str) -> str:
    """Return the name of the Compose project."""
    return f"{cluster}-monitoring"


def label(cluster: str) -> str:
    """Return the value of the label `contract.LABEL_CLUSTER`: no name of a cluster, so that no playbook of a cluster changes or removes these objects."""
    return f"{cluster}.monitoring"


def problems(settings: Settings, topology: Mapping[str, Any], host: str) -> list[Problem]:
    """Return the problems of the settings of the containers on a host."""
    found = []
    address = settings["monitoring_address"]
    if not is_address(address):
        fix = "Give an address of this host, such as 127.0.0.1"
        found.append(Problem("monitoring_address", address, "it is not an IP address", fix))
    used = {port: node["name"] for node in topology["nodes"] if node["host"] == host for port in node["ports"]}
    for name, setting in PORTS.items():
        port = settings[setting]
        if not 1 <= port <= 65535:
            found.append(Problem(setting, port, "it is no port", "Write a number from 1 to 65535"))
        elif port in used:
            found.append(Problem(setting, port, f"{used[port]} has this port on {host}", "Choose a free port"))
        used.setdefault(port, name)
    if not RETENTION.fullmatch(settings["monitoring_retention"]):
        fix = "Write hours, days, weeks or years, such as 15d"
        found.append(Problem("monitoring_retention", settings["monitoring_retention"], "it is no duration", fix))
    return found


def prometheus_configuration(cluster: str, settings: Settings) -> dict[str, Any]:
    """Return the content of the configuration of Prometheus. It reads the files of its own cluster only."""
    folder = _folder(settings)
    alertmanager = _address(settings, "alertmanager")
    return {
        "global": {"scrape_interval": settings["monitoring_scrape_interval"], "evaluation_interval": "15s"},
        "rule_files": [f"{folder}/rules/waba.yml", f"{folder}/rules/expected-{cluster}.yml"],
        "scrape_config_files": [f"{folder}/scrape-{cluster}.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
    }


def compose_document(cluster: str, settings: Settings, configuration: str) -> dict[str, Any]:
    """Return the Compose document. configuration: a hash of the files that the containers read, so that a change of a file replaces them."""
    folder, ca = _folder(settings), settings["monitoring_ca"]
    commands = {
        "prometheus": [
            "prometheus",
            f"--config.file={folder}/prometheus-{cluster}.yml",
            f"--storage.tsdb.path={DATA['prometheus']}",
            f"--storage.tsdb.retention.time={settings['monitoring_retention']}",
        ],
        "alertmanager": [
            "prometheus-alertmanager",
            f"--config.file={folder}/alertmanager-{cluster}.yml",
            f"--storage.path={DATA['alertmanager']}",
            "--cluster.listen-address=",
        ],
    }
    read = {"prometheus": [folder, *([ca] if ca and not ca.startswith(f"{folder}/") else [])], "alertmanager": [folder]}
    return {
        "name": project_name(cluster),
        "services": {
            name: {
                "command": [*command, f"--web.listen-address={_address(settings, name)}"],
                "volumes": [*map(_read_only, read[name]), f"{name}Data:{DATA[name]}"],
                **_service(cluster, settings, configuration, name),
            }
            for name, command in commands.items()
        },
        "volumes": {
            f"{name}Data": {
                "name": f"{project_name(cluster)}_{name}Data",
                "labels": {contract.LABEL_CLUSTER: label(cluster)},
            }
            for name in commands
        },
    }


def _service(cluster: str, settings: Settings, configuration: str, name: str) -> dict[str, Any]:
    """Return the part of a service that both have. It uses the network of the host, so that it reaches webapps that are published locally."""
    size, files = settings["waba_log_max_size"], settings["waba_log_max_files"]
    # Compose passes options on as text only.
    options = {"max-size": size, "max-file": str(files)}
    return {
        "image": settings["monitoring_image"],
        "network_mode": "host",
        "user": f"{USER}:{USER}",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "healthcheck": {
            "test": ["CMD", "bash", "-c", f"exec 3<>/dev/tcp/{settings['monitoring_address']}/{settings[PORTS[name]]}"],
            "interval": "10s",
            "timeout": "3s",
            "retries": 3,
            "start_period": "60s",
        },
        **({"logging": {"driver": "json-file", "options": options}} if size else {}),
        "restart": "unless-stopped",
        "stop_grace_period": STOP_GRACE_PERIOD,
        "pull_policy": "never",
        "labels": {
            contract.LABEL_CLUSTER: label(cluster),
            contract.LABEL_ROLE: name,
            contract.LABEL_INSTANCE: name,
            contract.LABEL_CONFIGURATION: configuration,
        },
    }


def _read_only(path: str) -> dict[str, Any]:
    """Return the mount of a folder or file of the host at the same path."""
    return {"type": "bind", "source": path, "target": path, "read_only": True, "bind": {"create_host_path": False}}


def _folder(settings: Settings) -> str:
    """Return the folder of the files, as Docker reports the source of its mount."""
    return posixpath.normpath(str(settings["monitoring_dir"]))


def _address(settings: Settings, name: str) -> str:
    return f"{in_url(settings['monitoring_address'])}:{settings[PORTS[name]]}"
