# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The nodes of a host as they are: what the Compose files say, and what runs."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils import contract
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import containers
from ansible_collections.waba.cluster.plugins.module_utils.io import files

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]


NODES = ("master", "coreapp", "webapp")


def observed(client: Any, cluster: str, path: str, roles: Collection[str] = NODES) -> Any:
    """Return the nodes (not the database, unless roles name it) of a host, in the files' order: list of dict. client: docker.DockerClient.

    `service`, `role`, `file`, `file_image` ("" where no file has the service), `container` (12 characters of the id, "" where there is none),
    `image`, `image_id`, `state`, `health`, `ports` (published, list of int), `address` (on which they are).
    """
    found = {
        service: {"service": service, "role": role, "file": file, "file_image": image, **_container(None)}
        for service, role, file, image in _in_files(cluster, path)
        if role in roles
    }
    projects = _projects(cluster, path)
    every = containers.with_labels(client, f"{contract.LABEL_CLUSTER}={cluster}")
    # Where a service has several containers, the one of its file's project stands for it.
    for container in sorted(every, key=lambda one: one["Config"]["Labels"].get(containers.PROJECT_LABEL) in projects):
        labels = container["Config"]["Labels"]
        service, role = labels.get(contract.LABEL_INSTANCE), labels.get(contract.LABEL_ROLE)
        if role in roles:
            node = found.setdefault(service, {"service": service, "role": role, "file": "", "file_image": ""})
            node.update(_container(container))
    return list(found.values())


def deployed(client: Any, cluster: str) -> Any:
    """Return how the running containers of a host are reached, and where they look for the database: {service: {"hostname", "address", "database"}}.

    All are str: "" for what a container does not say, and for every address. client: docker.DockerClient. Raises HostError.
    """
    found = {}
    for container in containers.with_labels(client, f"{contract.LABEL_CLUSTER}={cluster}"):
        config, node = container["Config"], _container(container)
        if node["state"] == "running":
            environment = dict(entry.partition("=")[::2] for entry in config.get("Env") or [])
            found[config["Labels"].get(contract.LABEL_INSTANCE)] = {
                "hostname": environment.get("COREAPP_HOSTNAME") or environment.get("WEBAPP_HOSTNAME", ""),
                "address": node["address"],
                "database": environment.get("WA_DB_HOSTNAME", ""),
            }
    return found


def _in_files(cluster: str, path: str) -> Any:
    for file, document in _documents(cluster, path):
        for service, definition in document["services"].items():
            yield service, definition["labels"][contract.LABEL_ROLE], file, definition["image"]


def _projects(cluster: str, path: str) -> Any:
    return {document.get("name") for _file, document in _documents(cluster, path)}


def _documents(cluster: str, path: str) -> Any:
    """Yield (path, Compose document) of the cluster's files."""
    for name in contract.ALL_FILES:
        state = files.read(os.path.join(path, name)) if name.endswith(".yml") and yaml else None
        if state and contract.is_managed(state[0], cluster):
            yield os.path.join(path, name), yaml.safe_load(state[0])


def _container(container: dict[str, Any] | None) -> dict[str, Any]:
    if container is None:
        return {"container": "", "image": "", "image_id": "", "state": "", "health": "", "ports": [], "address": ""}
    state = containers.observation(container) or {}
    bindings = container["HostConfig"].get("PortBindings") or {}
    published = [binding for ends in bindings.values() for binding in ends or []]
    return {
        "container": container["Id"][:12],
        "image": container["Config"]["Image"],
        "image_id": container["Image"],
        "state": state["status"],
        "health": state["health"] or "",
        "ports": sorted(int(binding["HostPort"]) for binding in published),
        "address": next((binding.get("HostIp", "") for binding in published), ""),
    }
