# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Report the nodes of a host: those in its Compose files and those in its containers."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files

try:
    import yaml

    # CSafeLoader is the safe loader in C, which takes less time. A distribution may omit it.
    LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
except ImportError:
    yaml = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from docker import DockerClient


NODES = ("master", "coreapp", "webapp")
# Published ports that are no ports of the API.
LISTENERS = tuple(f"{port}/tcp" for port in (contract.WEBHOOK_PORT, contract.API_CHECK_PORT))


def observed(client: DockerClient, cluster: str, path: str, roles: Collection[str] = NODES) -> list[dict[str, Any]]:
    """Return the nodes of a host with these roles, in the order of the host's files. Raises HostError.

    Each has `service`, `role`, `file` and `file_image` ("" if no file has the service), `container` (12 characters of the id, "" for no container),
    `image`, `image_id`, `state`, `health`, `ports` (published, list of int, without those of LISTENERS), `address` (on which they are
    published), `second_secrets` (whether a node accepts a second value of each secret).
    """
    documents = list(_documents(cluster, path))
    found = {
        service: {"service": service, "role": role, "file": file, "file_image": image, **_container(None)}
        for service, role, file, image in _in_files(documents)
        if role in roles
    }
    projects = {document.get("name") for _file, document in documents}
    every = containers.with_labels(client, f"{contract.LABEL_CLUSTER}={cluster}")
    # If a service has several containers, report the one in the project of its file.
    for container in sorted(every, key=lambda one: one["Config"]["Labels"].get(containers.PROJECT_LABEL) in projects):
        labels = container["Config"]["Labels"]
        service, role = labels.get(contract.LABEL_INSTANCE), labels.get(contract.LABEL_ROLE)
        if role in roles:
            node = found.setdefault(service, {"service": service, "role": role, "file": "", "file_image": ""})
            node.update(_container(container))
    return list(found.values())


def deployed(client: DockerClient, cluster: str) -> dict[str, dict[str, str]]:
    """Return {service: {"hostname", "address", "database"}} of the running containers of a host. Raises HostError.

    hostname: under which other nodes reach it. address: on which its ports are published, "" for all. database: host name of its database. A value that
    the container does not define is "".
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


def _in_files(documents: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, str, str, str]]:
    for file, document in documents:
        for service, definition in document["services"].items():
            yield service, definition["labels"][contract.LABEL_ROLE], file, definition["image"]


def _documents(cluster: str, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (path, Compose document) of the cluster's files."""
    for name in contract.ALL_FILES:
        state = files.read(os.path.join(path, name)) if name.endswith(".yml") and yaml else None
        if state and contract.is_managed(state[0], cluster):
            yield os.path.join(path, name), yaml.load(state[0], LOADER)


def _container(container: dict[str, Any] | None) -> dict[str, Any]:
    if container is None:
        return {
            "container": "",
            "image": "",
            "image_id": "",
            "state": "",
            "health": "",
            "ports": [],
            "address": "",
            "second_secrets": False,
        }
    state, bindings = containers.observation(container) or {}, container["HostConfig"].get("PortBindings") or {}
    published = [binding for port, ends in bindings.items() if port not in LISTENERS for binding in ends or []]
    return {
        "container": container["Id"][:12],
        "image": container["Config"]["Image"],
        "image_id": container["Image"],
        "state": state["status"],
        "health": state["health"] or "",
        "ports": sorted(int(binding["HostPort"]) for binding in published),
        "address": next((binding.get("HostIp", "") for binding in published), ""),
        "second_secrets": container["Config"]["Labels"].get(contract.LABEL_ACCEPTS) == contract.SECOND_SECRETS,
    }
