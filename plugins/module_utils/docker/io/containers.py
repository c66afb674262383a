# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What runs on a host: containers, images and networks, read from the Docker engine as the engine tells them."""

from __future__ import annotations

import contextlib

from ansible_collections.waba.cluster.plugins.module_utils.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError

try:
    from docker.errors import APIError, NotFound
except ImportError:
    APIError = NotFound = LookupError

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
NUMBER_LABEL = "com.docker.compose.container-number"


def with_labels(client, *labels):
    """Return the engine's inspect answers of all containers, running or not, that have all of the labels ("name" or "name=value")."""
    with engine_errors("list the containers"):
        listed = client.api.containers(all=True, filters={"label": list(labels)})
        inspected = [inspect(client, container["Id"]) for container in listed]
    return [container for container in inspected if container]


def inspect(client, container_id):
    """Return the engine's answer about one container, or None when it is gone."""
    with engine_errors("inspect a container"):
        try:
            return client.api.inspect_container(container_id)
        except NotFound:
            return None


def image_facts(client, names):
    """Return {image name: {"id", "environment", "command"}} of those images that the host has (the aspects of `compose.services`)."""
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


def network_ids(client):
    """Return the ids of all networks of the host (set of str)."""
    with engine_errors("list the networks"):
        return {network["Id"] for network in client.api.networks()}


def observation(container):
    """Return what `compose.readiness` wants to know about a container (inspect answer, or None)."""
    if container is None:
        return None
    state = container["State"]
    return {
        "status": state["Status"],
        "health": (state.get("Health") or {}).get("Status"),
        "exit_code": state.get("ExitCode", 0),
        "restarts": container.get("RestartCount", 0),
    }


def observation_now(client, container):
    """Return an observation whose health is not older than this call: the engine looks too seldom for somebody who waits.

    container: inspect answer, or None. One that runs and is not known to be healthy has its own check run once more.
    """
    seen = observation(container)
    asked = seen and seen["status"] == "running" and seen["health"] not in (None, "healthy")
    return {**seen, "health": "healthy"} if asked and _own_check_passes(client, container) else seen


def _own_check_passes(client, container):
    kind, *command = (container["Config"].get("Healthcheck") or {}).get("Test") or ["NONE"]
    if kind not in ("CMD", "CMD-SHELL"):
        return False
    command = ["/bin/sh", "-c", *command] if kind == "CMD-SHELL" else command
    with engine_errors("run a container's health check"):
        try:
            run = client.api.exec_create(container["Id"], command)["Id"]
            client.api.exec_start(run)
            return client.api.exec_inspect(run)["ExitCode"] == 0
        except APIError:  # it has just stopped, or is gone: the next look will tell
            return False


def last_lines(client, container_id, count):
    """Return the last lines of a container's log (list of str); empty when there is no log to read.

    A log that cannot be read, as with the engine's logging driver "none", is one line that gives the reason: the caller reports another failure.
    """
    try:
        with engine_errors("read the container's log"):
            return client.api.logs(container_id, tail=count).decode("utf-8", "replace").splitlines()
    except HostError as error:
        return [] if isinstance(error.__cause__, NotFound) else [f"({error})"]


def execute(client, container_id, command):
    """Run a command in a container; return (exit status, what it said). A container that is gone answers nothing."""
    with engine_errors("run a command in a container"):
        try:
            made = client.api.exec_create(container_id, list(command))
            said = client.api.exec_start(made["Id"]).decode("utf-8", "replace")
            return client.api.exec_inspect(made["Id"])["ExitCode"], said
        except (APIError, NotFound) as error:
            return 1, str(error)


def stop(client, container, timeout=None):
    """Stop a container (inspect answer) if it runs. timeout: seconds before it is killed, None for its own setting. Raises HostError."""
    with engine_errors(f"stop the container {container['Name'].lstrip('/')}"), contextlib.suppress(NotFound):
        if container["State"]["Status"] == "paused":
            client.api.unpause(container["Id"])
        if container["State"]["Status"] in ("running", "restarting", "paused"):
            client.api.stop(container["Id"], timeout=timeout)


def remove(client, container):
    """Stop a container (inspect answer) gracefully, then remove it with its anonymous volumes. Raises HostError."""
    stop(client, container)
    with engine_errors(f"remove the container {container['Name'].lstrip('/')}"), contextlib.suppress(NotFound):
        client.api.remove_container(container["Id"], v=True, force=True)


def compose_name(container):
    """Return the name (str) that Compose gives a container of its own (inspect answer)."""
    return "-".join(container["Config"]["Labels"][label] for label in (PROJECT_LABEL, SERVICE_LABEL, NUMBER_LABEL))


def rename(client, container_id, name):
    """Give a container another name, whether it runs or not."""
    with engine_errors(f"name a container {name}"):
        client.api.rename(container_id, name)


def mounts(container):
    """Return {destination: (mount type, source)} of a container (inspect answer)."""
    return {
        mount["Destination"]: (mount["Type"], mount.get("Name") or mount["Source"]) for mount in container["Mounts"]
    }


def volume_fault(client, name):
    """Return why a volume cannot be used (str), or None."""
    with engine_errors(f"inspect the volume {name}"):
        try:
            client.api.inspect_volume(name)
        except NotFound:
            return "there is no such volume"
    return None


def volume_folder(client, name):
    """Return the folder on this host in which a volume's files are. Raises HostError."""
    with engine_errors(f"find the volume {name}"):
        return client.api.inspect_volume(name)["Mountpoint"]
