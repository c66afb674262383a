# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The running containers of this host that would open a second connection for the cluster's number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import LABEL_CLUSTER
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.single_connect import is_single_connect

try:
    from docker.errors import NotFound
except ImportError:
    NotFound = LookupError  # type: ignore[misc, assignment]

if TYPE_CHECKING:
    from docker import DockerClient


def running(client: DockerClient, images: Iterable[str]) -> list[containers.Inspected]:
    """Return the running single-connect containers (inspect answers). images: names of the cluster's node images. Raises HostError."""
    with engine_errors("list the containers"):
        ids = [one["Id"] for one in client.api.containers() if LABEL_CLUSTER not in (one["Labels"] or {})]
    inspected = [one for one in (containers.inspect(client, container_id) for container_id in ids) if one]
    images = list(images)
    return [one for one in inspected if is_single_connect(_facts(client, one), images)]


def stop(client: DockerClient, container: containers.Inspected) -> None:
    """Stop a container permanently: the engine does not start it again either. Raises HostError."""
    with engine_errors(f"stop {containers.name_of(container)}"):
        if container["HostConfig"]["RestartPolicy"]["Name"] == "always":
            policy = {"Name": "unless-stopped"}
            client.api.update_container(container["Id"], restart_policy=policy)  # type: ignore[arg-type]
    containers.stop(client, container)


def _facts(client: DockerClient, container: containers.Inspected) -> dict[str, Any]:
    config = container["Config"]
    return {
        "image": config["Image"],
        "environment": config.get("Env") or [],
        "labels": config.get("Labels") or {},
        "command": _command(config),
        "own_command": _image_command(client, container["Image"]),
    }


def _command(config: Mapping[str, Any]) -> list[str]:
    return [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]


def _image_command(client: DockerClient, image_id: str) -> list[str] | None:
    with engine_errors(f"inspect the image {image_id}"):
        try:
            return _command(client.api.inspect_image(image_id)["Config"])
        except NotFound:  # removed by force while the container runs
            return None
