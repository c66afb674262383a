# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A command of the node's image that runs once, in a container of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import LABEL_CLUSTER, LABEL_ROLE
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import host_lock

try:
    from docker.errors import NotFound
except ImportError:
    NotFound = LookupError  # type: ignore[misc, assignment]

if TYPE_CHECKING:
    from docker import DockerClient

ROLE = "dbupgrade"  # docs/reference/vendor-contract.md#upgrades
ROLE_ALONE = "once"
ROLE_ON_VOLUME = "volume"
LOG_LINES = 15


def run(client: DockerClient, cluster: str, image: str, command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a command in a container of its own, with the networks and the mounts of a master of this host; return its standard output.

    Raises HostError with the last lines of its log when it fails.
    """
    masters = containers.with_labels(client, f"{LABEL_CLUSTER}={cluster}", f"{LABEL_ROLE}=master")
    if not masters:
        raise HostError(f"This host has no master of the cluster {cluster}, whose network the command needs.")
    first, *others = masters[0]["NetworkSettings"]["Networks"]
    place = {"network_mode": first, "volumes_from": [masters[0]["Id"]]}
    upgrade = {**environment, "WA_DB_UPGRADE": "1"}
    return _run(client, cluster, ROLE, image, command, place, others, environment=upgrade)


def run_beside(
    client: DockerClient,
    cluster: str,
    image: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    container: str,
) -> str:
    """Run a command in a container of its own, in the network of another one (its id); return its standard output. Raises HostError as `run` does."""
    place = {"network_mode": f"container:{container}"}
    return _run(client, cluster, ROLE, image, command, place, environment={**environment, "WA_DB_UPGRADE": "1"})


def run_alone(
    client: DockerClient, cluster: str, image: str, command: Sequence[str], environment: Mapping[str, str]
) -> str:
    """Run a command that needs no node of the cluster, on Docker's default network; return its standard output. Raises HostError as `run` does."""
    return _run(client, cluster, ROLE_ALONE, image, command, {}, environment=dict(environment))


def run_on_volume(
    client: DockerClient,
    cluster: str,
    image: str,
    command: Sequence[str],
    mount: str,
    entrypoint: str | None = None,
) -> str:
    """Run a command on a volume that no container uses, without a network; return its standard output. Raises HostError as `run` does.

    mount: source:destination. entrypoint: None for the image's.
    """
    place = {"binds": [mount], "network_mode": "none"}
    return _run(client, cluster, ROLE_ON_VOLUME, image, command, place, entrypoint=entrypoint)


def _run(
    client: DockerClient,
    cluster: str,
    role: str,
    image: str,
    command: Sequence[str],
    place: dict[str, Any],
    networks: Sequence[str] = (),
    **options: Any,
) -> str:
    """Run a command in a container with a role of its own.

    place: options of the host configuration. networks: further networks of the container. options: others of the container.
    """
    name = f"{cluster}-{role}"
    with host_lock.exclusive(f"{host_lock.NAME} {name}"), engine_errors(f"run {' '.join(command)} in {image}"):
        _await_former(client, name)
        container = client.api.create_container(
            image,
            command=list(command),
            name=name,
            labels={LABEL_CLUSTER: cluster, LABEL_ROLE: role},
            host_config=client.api.create_host_config(
                cap_drop=["MKNOD"],
                **place,
                # The output is read from the log, which the engine's default driver may not store.
                log_config={"Type": "json-file", "Config": {}},  # type: ignore[arg-type]
            ),
            use_config_proxy=False,
            **options,
        )["Id"]
        try:
            for network in networks:
                client.api.connect_container_to_network(container, network)
            client.api.start(container)
            status = client.api.wait(container, timeout=None)["StatusCode"]
            output = client.api.logs(container, stdout=True, stderr=False).decode("utf-8", "replace")
            log = client.api.logs(container, tail=LOG_LINES).decode("utf-8", "replace")
        finally:
            _remove(client, container)
    if status != 0:
        raise HostError(f"{' '.join(command)} in {image} failed with status {status}:\n{log.strip()}")
    return output


def _await_former(client: DockerClient, name: str) -> None:
    """Wait until the container of a killed run ends, and remove it: a migration that is interrupted leaves half a schema."""
    with engine_errors(f"wait for the end of the container {name}, which another run started"):
        try:
            client.api.wait(name, timeout=host_lock.TIMEOUT)
        except NotFound:
            return
    _remove(client, name)


def _remove(client: DockerClient, name: str) -> None:
    try:
        client.api.remove_container(name, force=True, v=True)
    except NotFound:
        return
