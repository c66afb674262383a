# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts about a live host: listening programs, free space, whether a database answers. Needs neither Docker nor libraries."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import platform
import socket
import stat
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import (
    CERTIFICATES,
    GROUP_PORT,
    GUARD_PORT,
    LABEL_CLUSTER,
    LABEL_ROLE,
    MEMBER_PORTS,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import (
    live_single_connect as single_connect,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.containers import volume_fault
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.engine import connect, engine_errors
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import DockerUnavailable
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.io.port_probe import PROCESS_NAME
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.ports_in_use import parse_proc_net

PROXY = "docker-proxy"
# Of containers in the network of the host.
HOST_PORTS = {"mysql": MEMBER_PORTS, "guard": (GUARD_PORT,), "arbitrator": (GROUP_PORT,)}
DOCKER_DATA = "/var/lib/docker"


def ports_taken(
    cluster: str, client_images: Iterable[str], roles: Collection[str]
) -> tuple[list[dict[str, Any]], set[int]]:
    """Return (taken, own): the ports that other programs use, as for `preflight.ports_in_use.clashes`, and those of the cluster's running containers.

    client_images: names of the images of nodes, whose single-connect containers a later step stops. roles: of the planned containers; another container of the
    cluster in the network of the host, such as the former arbitrator on the host of a new member, is another program.
    """
    try:
        (published, own), docker_known = _published(cluster, client_images, roles), True
    except DockerUnavailable:
        published, own, docker_known = [], set(), False
    sockets = _listening()
    programs = _programs({item["inode"] for item in sockets})
    # docker-proxy listens for a container; where Docker answers, the container is the better name. Listeners of an interrupted check end by themselves.
    ignored = (PROXY, PROCESS_NAME) if docker_known else (PROCESS_NAME,)
    others = [
        {"address": item["address"], "port": item["port"], "by": _text(program), "will_be_stopped": False}
        for item, program in ((item, programs.get(item["inode"])) for item in sockets)
        if not (program and program[0] in ignored) and item["port"] not in own
    ]
    return published + others, own


def _published(
    cluster: str, client_images: Iterable[str], roles: Collection[str]
) -> tuple[list[dict[str, Any]], set[int]]:
    client = connect()
    stopped_later = {container["Id"] for container in single_connect.running(client, client_images)}
    with engine_errors("list the containers"):
        listed = client.api.containers()
    bound = [
        (container, port)
        for container in listed
        for port in container["Ports"]
        if port.get("PublicPort") and port.get("Type") == "tcp"
    ]
    others = [
        {
            "address": port.get("IP") or "0.0.0.0",  # noqa: S104 - the meaning of no address in Docker; nothing is bound here
            "port": port["PublicPort"],
            "by": f"the container {container['Names'][0].lstrip('/')}",
            "will_be_stopped": container["Id"] in stopped_later,
        }
        for container, port in bound
        if container["Labels"].get(LABEL_CLUSTER) != cluster
    ]
    own = [container for container in listed if container["Labels"].get(LABEL_CLUSTER) == cluster]
    # The engine reports no port of a container that uses the network of its host.
    in_host_network = {
        port
        for container in own
        if container["HostConfig"].get("NetworkMode") == "host"
        if container["Labels"].get(LABEL_ROLE) in roles
        for port in HOST_PORTS.get(container["Labels"].get(LABEL_ROLE), ())
    }
    return others, in_host_network | {port["PublicPort"] for container, port in bound if container in own}


def _listening() -> list[dict[str, Any]]:
    sockets = []
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError), open(path, encoding="ascii") as file:
            sockets.extend(parse_proc_net(file.read()))
    return sockets


def listens(port: int | None) -> bool:
    """Return whether a program listens on a port; False for None."""
    return any(item["port"] == port for item in _listening())


def _programs(inodes: set[str]) -> dict[str, tuple[str, str]]:
    """Return {inode: (program, pid)} of sockets, as far as the permissions allow."""
    found = {}
    for descriptor in glob.iglob("/proc/[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            target = os.readlink(descriptor)
            if target.startswith("socket:[") and target[8:-1] in inodes:
                pid = descriptor.split("/")[2]
                with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
                    found[target[8:-1]] = (file.read().strip(), pid)
    return found


def _text(program: tuple[str, str] | None) -> str:
    return f"{program[0]} (pid {program[1]})" if program else "another program"


def host_facts(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that `preflight.host.host_problems` needs, without "nfs". params: the options of `host_info`."""
    has = {
        "webapp": params["webapps"],
        "master": params["masters"],
        "coreapp": params["coreapps"],
        "mysql": params["database"],
        "arbitrator": params["arbitrator"],
        "api_proxy": params["api_proxy"],
    }
    certificates = [
        (option, params[option])
        for option, (roles, _target) in CERTIFICATES.items()
        if any(has[role] for role in roles)
    ]
    return {
        "architecture": platform.machine(),
        "free_mb": {path: _free_mb(path) for path in (DOCKER_DATA, params["path"])},
        "missing_files": [(option, path) for option, path in certificates if path and not os.path.isfile(path)],
    }


def _free_mb(path: str) -> int:
    path = os.path.abspath(path)  # a relative path is refused elsewhere; the loop would not end with it
    while not os.path.exists(path):
        path = os.path.dirname(path)
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize // 2**20


def folder_problem(path: str, owner: int | None, mode: str | None) -> str | None:
    """Return why a folder cannot be used for a bind mount, or None. mode: octal."""
    try:
        status = os.stat(path)
    except OSError as error:
        return f"it cannot be used: {error.strerror}"
    if not stat.S_ISDIR(status.st_mode):
        return "it is no folder"
    if owner is not None and status.st_uid != owner:
        return f"it belongs to user {status.st_uid}, not {owner}"
    if mode is not None and stat.S_IMODE(status.st_mode) != int(mode, 8):
        return f"its mode is {stat.S_IMODE(status.st_mode):04o}, not {int(mode, 8):04o}"
    return None


def has_address(address: str) -> bool:
    """Return whether a program on this host can listen on an IP address."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError as error:
        return error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True


def connection_error(host: str, port: int, timeout: float) -> str | None:
    """Return why a TCP connection to a host fails, or None if it succeeds. timeout: seconds."""
    try:
        socket.create_connection((host, port), timeout=timeout).close()
    except OSError as error:
        return error.strerror or str(error)
    return None


def holds_data(volume_type: str, source: str) -> bool:
    """Return whether a volume exists, or a folder is not empty. source: the engine's name of the volume, or the folder."""
    if volume_type == "bind":
        return os.path.isdir(source) and bool(os.listdir(source))
    try:
        return volume_fault(connect(), source) is None
    except DockerUnavailable:
        return False
