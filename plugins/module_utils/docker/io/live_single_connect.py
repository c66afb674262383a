# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The containers of this host that would be a second connection for the cluster's number."""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.contract import LABEL_CLUSTER
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import containers
from ansible_collections.waba.cluster.plugins.module_utils.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils.docker.single_connect import single_connect

try:
    from docker.errors import NotFound
except ImportError:
    NotFound = LookupError


def running(client, images):
    """Return the running single-connect containers (inspect answers). images: names of the cluster's node images. Raises HostError."""
    with engine_errors("list the containers"):
        listed = [one["Id"] for one in client.api.containers() if LABEL_CLUSTER not in (one["Labels"] or {})]
    inspected = [one for one in (containers.inspect(client, container_id) for container_id in listed) if one]
    return [one for one in inspected if single_connect(_facts(client, one), images)]


def stop(client, container):
    """Stop a container (inspect answer), for good. Raises HostError."""
    with engine_errors(f"stop {container['Name'].lstrip('/')}"):
        if container["HostConfig"]["RestartPolicy"]["Name"] == "always":
            client.api.update_container(container["Id"], restart_policy={"Name": "unless-stopped"})
        client.api.stop(container["Id"])


def _facts(client, container):
    config = container["Config"]
    return {
        "image": config["Image"],
        "environment": config.get("Env") or [],
        "labels": config.get("Labels") or {},
        "command": _command(config),
        "own_command": _own_command(client, container["Image"]),
    }


def _command(config):
    return [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]


def _own_command(client, image_id):
    with engine_errors(f"inspect the image {image_id}"):
        try:
            return _command(client.api.inspect_image(image_id)["Config"])
        except NotFound:  # removed by force, under a container that runs
            return None
