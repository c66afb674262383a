# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One program of the node's image, run once on a host beside the cluster's nodes."""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.contract import LABEL_CLUSTER, LABEL_ROLE
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import containers
from ansible_collections.waba.cluster.plugins.module_utils.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import host_lock

try:
    from docker.errors import NotFound
except ImportError:
    NotFound = LookupError

ROLE = "dbupgrade"  # the vendor's name for it


def run(client, cluster, image, command, environment):
    """Run a command in a container of its own, with the network and the mounts of a master of this host; return its standard output (str).

    client: docker.DockerClient. environment: {str: str}. Raises HostError with the last lines of what it said when it fails.
    """
    name = f"{cluster}-{ROLE}"
    masters = containers.with_labels(client, f"{LABEL_CLUSTER}={cluster}", f"{LABEL_ROLE}=master")
    if not masters:
        raise HostError(f"No master of the cluster {cluster} is on this host, whose network could be used.")
    with host_lock.alone(f"{host_lock.NAME} {name}"), engine_errors(f"run {' '.join(command)} in {image}"):
        _let_end(client, name)
        made = client.api.create_container(
            image,
            command=command,
            name=name,
            environment={**environment, "WA_DB_UPGRADE": "1"},
            labels={LABEL_CLUSTER: cluster, LABEL_ROLE: ROLE},
            host_config=client.api.create_host_config(
                cap_drop=["MKNOD"],
                network_mode=_network(masters[0]),
                volumes_from=[masters[0]["Id"]],
                # The output is read from the log, which the engine's default driver may not keep.
                log_config={"Type": "json-file", "Config": {}},
            ),
            use_config_proxy=False,
        )
        try:
            client.api.start(made["Id"])
            status = client.api.wait(made["Id"], timeout=None)["StatusCode"]
            output = client.api.logs(made["Id"], stdout=True, stderr=False).decode("utf-8", "replace")
            said = client.api.logs(made["Id"], tail=15).decode("utf-8", "replace")
        finally:
            _remove(client, made["Id"])
    if status != 0:
        raise HostError(f"{' '.join(command)} in {image} failed with status {status}:\n{said.strip()}")
    return output


def _network(container):
    return next(iter(container["NetworkSettings"]["Networks"]))


def _let_end(client, name):
    """Wait for the end of what a killed run began, and remove it: who is stopped within a change of the schema leaves half of one."""
    with engine_errors(f"wait for the end of the container {name}, which another run began"):
        try:
            client.api.wait(name, timeout=host_lock.PATIENCE)
        except NotFound:
            return
    _remove(client, name)


def _remove(client, name):
    try:
        client.api.remove_container(name, force=True, v=True)
    except NotFound:
        return
