# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host is like: listening programs, free space, a database's answer. Works without Docker and with the standard library alone."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import platform
import socket
import stat

from ansible_collections.waba.cluster.plugins.module_utils.contract import CERTIFICATES, LABEL_CLUSTER
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import live_single_connect as single_connect
from ansible_collections.waba.cluster.plugins.module_utils.docker.io.containers import volume_fault
from ansible_collections.waba.cluster.plugins.module_utils.docker.io.engine import connect, engine_errors
from ansible_collections.waba.cluster.plugins.module_utils.errors import DockerUnavailable
from ansible_collections.waba.cluster.plugins.module_utils.preflight.io.port_probe import PROCESS_NAME
from ansible_collections.waba.cluster.plugins.module_utils.preflight.ports_in_use import parse_proc_net

PROXY = "docker-proxy"
DOCKER_DATA = "/var/lib/docker"


def ports_taken(cluster, client_images):
    """Return (taken, ours): the ports that somebody other than this cluster holds, as `preflight.ports_in_use.clashes` wants them, and the set of
    those that its own running containers publish.

    cluster: str, whose containers are no clash. client_images: names of the node's images, whose single-connect containers a later step stops.
    """
    try:
        (published, ours), docker_known = _published(cluster, client_images), True
    except DockerUnavailable:
        published, ours, docker_known = [], set(), False
    sockets = _listening()
    programs = _programs({item["inode"] for item in sockets})
    # Docker's own helper listens on behalf of a container; where Docker can be asked, the container is the better name.
    # What an interrupted check left standing in for our containers goes away by itself.
    passing = (PROXY, PROCESS_NAME) if docker_known else (PROCESS_NAME,)
    others = [
        {"address": item["address"], "port": item["port"], "by": _text(program), "will_be_stopped": False}
        for item, program in ((item, programs.get(item["inode"])) for item in sockets)
        if not (program and program[0] in passing)
    ]
    return published + others, ours


def _published(cluster, client_images):
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
            "address": port.get("IP") or "0.0.0.0",  # noqa: S104 - what Docker means by none, not what we bind
            "port": port["PublicPort"],
            "by": f"the container {container['Names'][0].lstrip('/')}",
            "will_be_stopped": container["Id"] in stopped_later,
        }
        for container, port in bound
        if container["Labels"].get(LABEL_CLUSTER) != cluster
    ]
    return others, {
        port["PublicPort"] for container, port in bound if container["Labels"].get(LABEL_CLUSTER) == cluster
    }


def _listening():
    sockets = []
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError), open(path, encoding="ascii") as file:
            sockets.extend(parse_proc_net(file.read()))
    return sockets


def listens(port):
    """Return whether anything listens at a port (int, or None for nothing to look for)."""
    return any(item["port"] == port for item in _listening())


def _programs(inodes):
    """Return {inode: (program, pid)} of sockets, as far as this user may look."""
    found = {}
    for descriptor in glob.iglob("/proc/[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            target = os.readlink(descriptor)
            if target.startswith("socket:[") and target[8:-1] in inodes:
                pid = descriptor.split("/")[2]
                with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
                    found[target[8:-1]] = (file.read().strip(), pid)
    return found


def _text(program):
    return f"{program[0]} (pid {program[1]})" if program else "another program"


def host_facts(params):
    """Return what `preflight.host.host_problems` judges. params: the module's options."""
    has = {
        "webapp": params["webapps"],
        "master": params["masters"],
        "coreapp": params["coreapps"],
        "mysql": params["database"],
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


def _free_mb(path):
    path = os.path.abspath(path)  # a relative one is refused elsewhere, and must not make this endless
    while not os.path.exists(path):
        path = os.path.dirname(path)
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize // 2**20


def folder_fault(path, owner, mode):
    """Return why a folder cannot be used for a bind mount (str), or None. owner: int or None. mode: octal str or None."""
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


def has_address(address):
    """Return whether something on this host can listen on an IP address (str)."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as asking:
            asking.bind((address, 0))
    except OSError as error:
        return error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True


def connection_error(host, port, timeout):
    """Return why no TCP connection to a host comes about (str), or None when one does. timeout: seconds."""
    try:
        socket.create_connection((host, port), timeout=timeout).close()
    except OSError as error:
        return error.strerror or str(error)
    return None


def holds_data(volume_type, source):
    """Return whether a volume is there, or a folder has anything in it. source: the engine's name of the volume, or the folder."""
    if volume_type == "bind":
        return os.path.isdir(source) and bool(os.listdir(source))
    try:
        return volume_fault(connect(), source) is None
    except DockerUnavailable:
        return False
