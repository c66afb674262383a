# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Containers, images and networks of a host, read from its Docker engine, and basic operations on containers.

"Inspect answer" means the engine's answer to `docker inspect`, a dict. Every function raises HostError when the engine refuses or fails.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

try:
    from docker.errors import APIError, NotFound
except ImportError:
    APIError = NotFound = LookupError  # type: ignore[misc, assignment]

if TYPE_CHECKING:
    from docker import DockerClient

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
NUMBER_LABEL = "com.docker.compose.container-number"

ACTIVE_STATES = ("running", "restarting", "paused")

Inspected = dict[str, Any]
Observation = dict[str, Any]


def name_of(container: Mapping[str, Any]) -> str:
    """Return the name of a container (inspect answer)."""
    return container["Name"].lstrip("/")


def with_labels(client: DockerClient, *labels: str) -> list[Inspected]:
    """Return the inspect answers of all containers, running or not, that have all of the labels ("name" or "name=value")."""
    with engine_errors("list the containers"):
        listed = client.api.containers(all=True, filters={"label": list(labels)})
    inspected = [inspect(client, container["Id"]) for container in listed]
    return [container for container in inspected if container]


def inspect(client: DockerClient, container_id: str) -> Inspected | None:
    """Return the inspect answer of a container, or None when it no longer exists."""
    with engine_errors("inspect a container"):
        try:
            return client.api.inspect_container(container_id)
        except NotFound:
            return None


def image_facts(client: DockerClient, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return {image name: {"id", "environment", "command"}} of the images that the host has, for `compose.services`."""
    facts = {}
    for name in sorted(set(names)):
        with engine_errors(f"inspect the image {name}"):
            try:
                image = client.api.inspect_image(name)
            except NotFound:
                continue
        config = image.get("Config") or {}
        environment = dict(entry.partition("=")[::2] for entry in config.get("Env") or [])
        facts[name] = {"id": image["Id"], "environment": environment, "command": config.get("Cmd")}
    return facts


def network_ids(client: DockerClient) -> set[str]:
    """Return the ids of all networks of the host."""
    with engine_errors("list the networks"):
        return {network["Id"] for network in client.api.networks()}


def observation(container: Inspected | None) -> Observation | None:
    """Return the facts of a container (inspect answer or None) that `compose.readiness` decides by."""
    if container is None:
        return None
    state = container["State"]
    return {
        "status": state["Status"],
        "health": (state.get("Health") or {}).get("Status"),
        "exit_code": state.get("ExitCode", 0),
        "restarts": container.get("RestartCount", 0),
    }


def current_observation(client: DockerClient, container: Inspected | None) -> Observation | None:
    """Return an observation whose health is not older than this call: the engine's interval between checks is too long to wait for.

    A running container (inspect answer) that is not known to be healthy has its health check run once more.
    """
    observed = observation(container)
    if not (container and observed) or observed["status"] != "running" or observed["health"] in (None, "healthy"):
        return observed
    return {**observed, "health": "healthy"} if _passes_own_check(client, container) else observed


def _passes_own_check(client: DockerClient, container: Inspected) -> bool:
    kind, *command = (container["Config"].get("Healthcheck") or {}).get("Test") or ["NONE"]
    if kind not in ("CMD", "CMD-SHELL"):
        return False
    command = ["/bin/sh", "-c", *command] if kind == "CMD-SHELL" else command
    with engine_errors("run a container's health check"):
        try:
            run = client.api.exec_create(container["Id"], command)["Id"]
            client.api.exec_start(run)
            return client.api.exec_inspect(run)["ExitCode"] == 0
        except APIError:  # it has stopped or is removed; the next observation reports that
            return False


def last_lines(client: DockerClient, container_id: str, count: int) -> list[str]:
    """Return the last lines of a container's log; empty when there is no log to read.

    A log that cannot be read, as with the engine's logging driver "none", is one line that gives the reason: the caller reports another failure.
    """
    try:
        with engine_errors("read the container's log"):
            return client.api.logs(container_id, tail=count).decode("utf-8", "replace").splitlines()
    except HostError as error:
        return [] if isinstance(error.__cause__, NotFound) else [f"({error})"]


def last_check(client: DockerClient, container_id: str) -> str:
    """Return the output of a container's last health check; "" when there is none to read."""
    try:
        with engine_errors("inspect a container"):
            health = client.api.inspect_container(container_id)["State"].get("Health") or {}
    except HostError:
        return ""
    checks = health.get("Log") or []
    return checks[-1]["Output"].strip() if checks else ""


def execute(client: DockerClient, container_id: str, command: Sequence[str]) -> tuple[int, str]:
    """Run a command in a container; return (exit status, output). A container that does not run has the status 1 and the engine's reason."""
    with engine_errors("run a command in a container"):
        try:
            run = client.api.exec_create(container_id, list(command))["Id"]
            output = client.api.exec_start(run).decode("utf-8", "replace")
            return client.api.exec_inspect(run)["ExitCode"], output
        except (APIError, NotFound) as error:
            return 1, str(error)


def stop(client: DockerClient, container: Inspected, timeout: int | None = None) -> None:
    """Stop a container if it runs. timeout: seconds before it is killed, None for its own setting."""
    with engine_errors(f"stop the container {name_of(container)}"), contextlib.suppress(NotFound):
        if container["State"]["Status"] == "paused":
            client.api.unpause(container["Id"])
        if container["State"]["Status"] in ACTIVE_STATES:
            client.api.stop(container["Id"], timeout=timeout)


def remove(client: DockerClient, container: Inspected) -> None:
    """Stop a container gracefully, then remove it with its anonymous volumes."""
    stop(client, container)
    with engine_errors(f"remove the container {name_of(container)}"), contextlib.suppress(NotFound):
        client.api.remove_container(container["Id"], v=True, force=True)


def compose_name(container: Inspected) -> str:
    """Return the name that Compose gives a container of its own."""
    return "-".join(container["Config"]["Labels"][label] for label in (PROJECT_LABEL, SERVICE_LABEL, NUMBER_LABEL))


def rename(client: DockerClient, container_id: str, name: str) -> None:
    """Give a container another name, whether it runs or not."""
    with engine_errors(f"name a container {name}"):
        client.api.rename(container_id, name)


def mounts(container: Inspected) -> dict[str, tuple[str, str]]:
    """Return {destination: (mount type, source)} of a container."""
    return {
        mount["Destination"]: (mount["Type"], mount.get("Name") or mount["Source"]) for mount in container["Mounts"]
    }


def volume_fault(client: DockerClient, name: str) -> str | None:
    """Return the reason why a volume cannot be used, or None."""
    with engine_errors(f"inspect the volume {name}"):
        try:
            client.api.inspect_volume(name)
        except NotFound:
            return "there is no such volume"
    return None


def volume_folder(client: DockerClient, name: str) -> str:
    """Return the folder of this host that holds the files of a volume."""
    with engine_errors(f"find the volume {name}"):
        return client.api.inspect_volume(name)["Mountpoint"]
