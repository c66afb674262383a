# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The database member of a host: its server, its guard, and its volume while no server runs; or the arbitrator. Every function raises HostError."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.documents import SOCKET_VOLUME, VOLUME_KEYS
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.volumes import mount_source
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import (
    GUARD,
    GUARD_PORT,
    LABEL_CLUSTER,
    LABEL_ROLE,
    MOUNT_POINTS,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers, one_shot
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

if TYPE_CHECKING:
    from docker import DockerClient

VOLUME_LABEL = "com.docker.compose.volume"
MEMBER_VARIABLE = "WABA_GALERA_CLUSTER"  # in the environment of a member's container
ENCRYPTION_VARIABLE = "WABA_GALERA_TLS"
RUNNING = ("running", "restarting", "paused")
STATUS = {  # status variable of the server: key of an observation
    "wsrep_cluster_status": "status",
    "wsrep_local_state_comment": "state",
    "wsrep_cluster_size": "size",
    "wsrep_cluster_state_uuid": "uuid",
    "wsrep_last_committed": "seqno",
    "wsrep_local_recv_queue": "receive_queue",
    "wsrep_flow_control_paused": "flow_control_paused",
}
NUMBERS = {"size": int, "seqno": int, "receive_queue": int, "flow_control_paused": float}
QUERY = f"SHOW GLOBAL STATUS WHERE Variable_name IN ({', '.join(repr(name) for name in STATUS)})"
CLIENT = ("mariadb", "--protocol=socket", "--batch", "--skip-column-names", "--connect-timeout=3", "--execute", QUERY)
# A member that left its last Primary view in order removes the file.
POSITION = f"entrypoint.sh position && {{ test ! -e {MOUNT_POINTS['database']}/gvwstate.dat || echo crashed; }}"
BOOTSTRAP_FILE = f"{MOUNT_POINTS['database']}/waba-bootstrap"
GUARD_TIMEOUT = 2  # seconds
POSITION_FILE = "waba-position"  # which the guard writes

Volume = Mapping[str, Any]


def observe(client: DockerClient, cluster: str, image: str, volume: Volume) -> dict[str, Any]:
    """Return the observation of this host's member, as for `database.bootstrap.decide`.

    image: of the database. volume: {"type", "source"} of its data.
    """
    container = _container(client, cluster, "mysql")
    if container and container["State"]["Status"] in RUNNING:
        environment = dict(entry.partition("=")[::2] for entry in container["Config"].get("Env") or [])
        if MEMBER_VARIABLE not in environment:
            return {"running": True, "initialised": True, "member": False}
        encrypted = ENCRYPTION_VARIABLE in environment
        return {"running": True, "encrypted": encrypted, **_server(client, container), **_guard(client, cluster)}
    return {"running": False, **_volume(client, cluster, image, volume), "remembered": _remembered(client, cluster)}


def observe_arbitrator(client: DockerClient, cluster: str) -> dict[str, Any]:
    """Return {"running", "joined"} of this host's arbitrator. joined: its last health check found that the members count its vote."""
    container = _container(client, cluster, "arbitrator")
    state = container["State"] if container else {}
    joined = (state.get("Health") or {}).get("Status") == "healthy"
    return {"running": state.get("Status") in RUNNING, "joined": joined and state.get("Status") == "running"}


def permit_bootstrap(
    client: DockerClient,
    cluster: str,
    image: str,
    volume: Volume,
    position: tuple[str, int],
    run: str,
    *,
    new_history: bool = False,
) -> None:
    """Permit the volume to begin the cluster from a position (uuid, seqno).

    run: names the run in the member's log. new_history: other members may have later commits, so they must copy all data.
    """
    uuid, seqno = position
    _create_volume(client, cluster, volume)
    command = ["bootstrap-file", uuid, str(seqno), run, *(["new"] if new_history else [])]
    one_shot.run_on_volume(client, cluster, image, command, _mount(cluster, volume))


def _create_volume(client: DockerClient, cluster: str, volume: Volume) -> None:
    """Create the volume of the data as Compose would. Otherwise the engine would create it without the labels by which Compose and an uninstall find it."""
    name = mount_source(cluster, volume)[1]
    if volume["type"] != "named" or not containers.volume_fault(client, name):
        return
    labels = {LABEL_CLUSTER: cluster, containers.PROJECT_LABEL: f"{cluster}-db", VOLUME_LABEL: VOLUME_KEYS["database"]}
    with engine_errors(f"create the volume {name}"):
        client.api.create_volume(name, labels=labels)


def withdraw_bootstrap(client: DockerClient, cluster: str, image: str, volume: Volume) -> None:
    """Remove a permission to begin the cluster."""
    one_shot.run_on_volume(client, cluster, image, ["-f", BOOTSTRAP_FILE], _mount(cluster, volume), "rm")


def kill(client: DockerClient, cluster: str) -> bool:
    """Kill the server of a member that is not Primary; return whether it ran.

    An orderly stop would remove the evidence that the member crashed.
    """
    container = _container(client, cluster, "mysql")
    if not container or container["State"]["Status"] not in RUNNING:
        return False
    with engine_errors("kill the database"):
        if container["State"]["Status"] == "running":
            client.api.kill(container["Id"])
        client.api.stop(container["Id"], timeout=0)  # the engine does not start it again
    return True


def hand_over(client: DockerClient, cluster: str, successor: str) -> None:
    """Make another member the writer. This host must have the present writer."""
    guard = _container(client, cluster, "guard")
    if not guard:
        raise HostError(f"This host has no guard of the database of the cluster {cluster}. Run site.yml.")
    status, output = containers.execute(client, guard["Id"], [*GUARD, "move", successor])
    if status != 0:
        raise HostError(f"The guard of the database could not hand over to {successor}: {output.strip()}")


def drain(client: DockerClient, cluster: str, *, check_mode: bool = False) -> bool:
    """Let the proxies direct nothing to this member, so that it can be stopped; a writer hands over first. Return whether the guard did so.

    A guard that does not run, or cannot do it, is no obstacle: the proxies then notice the stop of the member a little later. check_mode: return whether the
    guard runs, and change nothing.
    """
    guard = _container(client, cluster, "guard")
    if not guard or guard["State"]["Status"] != "running":
        return False
    if check_mode:
        return True
    status, _output = containers.execute(client, guard["Id"], [*GUARD, "leave"])
    return status == 0


def _container(client: DockerClient, cluster: str, role: str) -> containers.Inspected | None:
    found = containers.with_labels(client, f"{LABEL_CLUSTER}={cluster}", f"{LABEL_ROLE}={role}")
    return found[0] if found else None


def _server(client: DockerClient, container: containers.Inspected) -> dict[str, Any]:
    """Return the status of a running member; {} while its server does not answer."""
    status, output = containers.execute(client, container["Id"], CLIENT)
    if status != 0:
        return {}
    found: dict[str, Any] = {}
    for name, value in (line.split("\t", 1) for line in output.splitlines() if "\t" in line):
        key = STATUS.get(name, "")
        if key:
            found[key] = NUMBERS[key](value) if key in NUMBERS else value
    return {**found, "member": True}


def _guard(client: DockerClient, cluster: str) -> dict[str, Any]:
    """Return {"is_writer", "writer", "read_only", "version", "arbitrator"} of the guard; {} while it does not answer."""
    if not _container(client, cluster, "guard"):
        return {}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{GUARD_PORT}/status", timeout=GUARD_TIMEOUT) as response:
            answer = json.load(response)
    except (OSError, ValueError):
        return {}
    return {key: answer.get(key) for key in ("is_writer", "writer", "read_only", "version", "arbitrator")}


def _volume(client: DockerClient, cluster: str, image: str, volume: Volume) -> dict[str, Any]:
    """Return the position of a volume that no server uses."""
    if volume["type"] != "bind" and containers.volume_fault(client, mount_source(cluster, volume)[1]):
        return {"initialised": False, "member": False}
    output = one_shot.run_on_volume(client, cluster, image, ["-c", POSITION], _mount(cluster, volume), "bash")
    line = next((line for line in output.splitlines() if line.startswith("{")), "{}")
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError as error:
        raise HostError(f"The image {image} printed no position: {output.strip()[-500:]}") from error
    return {**found, "clean": "crashed" not in output.splitlines()}


def _remembered(client: DockerClient, cluster: str) -> dict[str, Any] | None:
    """Return {"uuid", "seqno"}, the last position that the guard of this host stored; None where it stored none."""
    name = f"{cluster}_{SOCKET_VOLUME}"
    if containers.volume_fault(client, name):
        return None
    path = os.path.join(containers.volume_folder(client, name), POSITION_FILE)
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        return {"uuid": str(found["uuid"]), "seqno": int(found["seqno"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def encrypts(definition: Mapping[str, Any]) -> bool:
    """Return whether the member of a Compose file, as Compose resolves it, encrypts what it exchanges with the others."""
    return any(ENCRYPTION_VARIABLE in (service.get("environment") or {}) for service in definition["services"].values())


def _mount(cluster: str, volume: Volume) -> str:
    return f"{mount_source(cluster, volume)[1]}:{MOUNT_POINTS['database']}"
