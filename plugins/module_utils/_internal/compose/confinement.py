# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rights and limits of a container: capabilities, file system, memory, processes and log. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.engine_features import Features
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.validation import is_vendor_image

ROTATING_LOG_DRIVERS = ("json-file", "local")  # those that write files, and have max-size and max-file
FEWEST_LOG_FILES = 2  # a single file would be emptied each time it is full
SIZE = re.compile(r"[1-9][0-9]*[kmg]")
UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
LEAST_MEMORY = 96 << 20  # bytes; a node at rest needs about 60 MB
FEWEST_PROCESSES = 64  # with threads: a node has about 20

# The entrypoint of the node's image reads keys and owns the media folder, whose owner may be any user of the host, then runs the node as another user
# without a capability.
NODE_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID")
# The guard writes the position of its member into the folder of the server's socket, which belongs to the server's user.
GUARD_CAPABILITIES = ("DAC_OVERRIDE",)
# The entrypoint of the arbitrator gives the server's user copies of keys that only root can read, and runs the arbitrator as this user.
ARBITRATOR_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
# The entrypoint of a database image gives the data to the server's user, then runs the server as this user.
DATABASE_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID")
# HAProxy reads the key of a certificate as root, then changes its user.
CERTIFICATE_PROXY_CAPABILITIES = ("DAC_OVERRIDE", "SETGID", "SETUID")
# keepalived adds an address to an interface, speaks VRRP, and runs its check as another user.
ADDRESS_CAPABILITIES = ("KILL", "NET_ADMIN", "NET_BROADCAST", "NET_RAW", "SETGID", "SETUID")
PROXIES = ("proxy", "api_proxy", "api_address")
NO_NEW_PRIVILEGES = "no-new-privileges:true"
# Folders in memory. The entrypoint copies certificates there; a webapp without one generates it at each start.
TEMPORARY = ("/tmp",)  # noqa: S108
CERTIFICATES = ("/opt/certs",)
ARBITRATOR_CERTIFICATES = ("/run/mysqld",)
WEBAPP_CERTIFICATES = ("/opt/certs", "/var/lib/whatsapp")
# The port 443 of a webapp, without a capability.
UNPRIVILEGED_PORTS = {"net.ipv4.ip_unprivileged_port_start": "0"}


def confinement(node: Mapping[str, Any], params: Mapping[str, Any], features: Features) -> dict[str, Any]:
    """Return the part of a service's definition that confines its container.

    node: as from `nodes.plan_nodes`. params: the options it was planned from. features: of the engine.
    """
    return {**_rights(node, params), **_limits(node, params, features), **_logging(params, features)}


def _rights(node: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    if is_vendor_image(node["image"]):  # the rights that it needs are not known
        return {"cap_drop": ["MKNOD"]}  # docs/reference/vendor-contract.md#compose-files
    few = {"cap_drop": ["ALL"], "security_opt": [NO_NEW_PRIVILEGES]}
    capabilities = {
        "proxy": (),
        "api_proxy": CERTIFICATE_PROXY_CAPABILITIES if params["api_proxy_certificate"] else (),
        "api_address": ADDRESS_CAPABILITIES,
        "mysql": DATABASE_CAPABILITIES,
    }
    if node["role"] in capabilities:
        added = capabilities[node["role"]]
        return {**few, **({"cap_add": list(added)} if added else {})}
    confined = {**few, "read_only": True}
    if node["role"] == "guard":
        return {**confined, "cap_add": list(GUARD_CAPABILITIES), "tmpfs": list(TEMPORARY)}
    if node["role"] == "arbitrator":
        return {**confined, "cap_add": list(ARBITRATOR_CAPABILITIES), "tmpfs": [*TEMPORARY, *ARBITRATOR_CERTIFICATES]}
    confined["cap_add"] = list(NODE_CAPABILITIES)
    if node["role"] == "webapp":
        return {**confined, "tmpfs": [*TEMPORARY, *WEBAPP_CERTIFICATES], "sysctls": UNPRIVILEGED_PORTS}
    return {**confined, "tmpfs": [*TEMPORARY, *CERTIFICATES]}


def _limits(node: Mapping[str, Any], params: Mapping[str, Any], features: Features) -> dict[str, Any]:
    if is_vendor_image(node["image"]) or node["role"] in PROXIES:
        return {}
    database = node["role"] == "mysql"
    memory = params["database_memory" if database else "node_memory"]
    processes = 0 if database else params["node_processes"]
    return {
        **({"mem_limit": memory} if memory and features.memory_limit else {}),
        **({"pids_limit": processes} if processes and features.pids_limit else {}),
    }


def _logging(params: Mapping[str, Any], features: Features) -> dict[str, Any]:
    """Return the limits of the log. A driver such as journald has limits of its own and refuses these options."""
    if not params["log_max_size"] or features.log_driver not in ROTATING_LOG_DRIVERS:
        return {}
    # Compose passes options on as text only.
    options = {"max-size": params["log_max_size"], "max-file": str(params["log_max_files"])}
    return {"logging": {"driver": features.log_driver, "options": options}}


def owner_problems(variable: str, owner: int | str | None, images: Iterable[str]) -> list[Problem]:
    """Return the problem of a setting that requires root as the owner of the media, which nodes take over. images: of the nodes."""
    if str(owner) not in ("root", "0") or all(map(is_vendor_image, images)):
        return []
    problem = "nodes do not run as root, and take a folder of root over"
    return [Problem(variable, owner, problem, "Leave it out, or name the user who owns the folder")]


def problems(params: Mapping[str, Any]) -> Iterator[Problem]:
    """Return the problems of the options that limit containers."""
    for option, without in (
        ("log_max_size", "the logging of the engine"),
        ("node_memory", "no limit"),
        ("database_memory", "no limit"),
    ):
        value = params[option]
        if value and not SIZE.fullmatch(value):
            fix = f"Use a whole number with k, m or g, as 10m, or '' for {without}"
            yield Problem(option, value, "it is not a size", fix)
        elif value and option != "log_max_size" and size_in_bytes(value) < LEAST_MEMORY:
            fix = f"Use {LEAST_MEMORY >> 20}m or more, or '' for no limit"
            yield Problem(option, value, "no container of the cluster can run with it", fix)
    if params["log_max_files"] < FEWEST_LOG_FILES:
        problem = "Docker empties a single file when it is full"
        yield Problem("log_max_files", params["log_max_files"], problem, f"Use {FEWEST_LOG_FILES} or more")
    if 0 != params["node_processes"] < FEWEST_PROCESSES:
        problem, fix = "a node needs more processes and threads", f"Use {FEWEST_PROCESSES} or more, or 0 for no limit"
        yield Problem("node_processes", params["node_processes"], problem, fix)


def size_in_bytes(size: str) -> int:
    """Return the bytes of a size such as "512m", as Docker counts them."""
    return int(size[:-1]) * UNITS[size[-1]]
