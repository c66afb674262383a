# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The requirements that a host must meet before anything is touched, apart from its ports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import publications
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.validation import REDACTED, is_vendor_image

MIN_MASTERS = 2
# Memory of a container: measured at rest with a margin for the cluster's images, and the reservations of the vendor's templates for the vendor's
# (docs/reference/vendor-contract.md#high-availability).
MEMORY_MB = {
    "mysql": 256,
    "guard": 32,
    "arbitrator": 32,
    "proxy": 32,
    "master": 96,
    "coreapp": 96,
    "webapp": 96,
    "api_proxy": 48,
    "api_address": 16,
}
VENDOR_MEMORY_MB = {**MEMORY_MB, "master": 1024, "coreapp": 1024, "webapp": 512}


def cluster_problems(
    masters_total: int | None, coreapps_total: int | None, webapps_total: int | None, shards: int, ha: bool
) -> list[Problem]:
    """Return the problems with the number of nodes of the cluster. A number that is None is not checked."""
    problems: list[Problem] = []
    if ha and masters_total is not None and masters_total < MIN_MASTERS:
        problems.append(
            Problem(
                "masters_total",
                masters_total,
                f"a highly available cluster needs {MIN_MASTERS} masters or more",
                "Add masters, or set ha (waba_ha) to false",
            )
        )
    elif masters_total == 0:
        problems.append(_none_of("masters"))
    # The cluster refuses several shards without a standby (docs/reference/vendor-contract.md#shards).
    if (ha or shards > 1) and coreapps_total is not None and coreapps_total < shards + 1:
        problems.append(
            Problem(
                "coreapps_total",
                coreapps_total,
                f"{shards} shard(s) need {shards + 1} coreapps or more, so that one stands by",
                "Add coreapps, or use fewer shards (waba_shards)"
                if shards > 1
                else "Add coreapps, use fewer shards, or set ha (waba_ha) to false",
            )
        )
    elif coreapps_total == 0:
        problems.append(_none_of("coreapps"))
    if webapps_total == 0:
        problems.append(_none_of("webapps"))
    return problems


def _none_of(kind: str) -> Problem:
    fix = f"Name an instance on a host of the group waba_{kind}, or leave it out there: each has one then"
    return Problem(f"{kind}_total", 0, f"the cluster has no {kind}", fix)


def concentration_warnings(params: Mapping[str, Any]) -> list[Problem]:
    """Return a warning for every role of which the loss of one machine would stop several instances."""
    if params["layout"] == "single_server":
        return []
    return [
        Problem(
            option,
            len(params[option]),
            f"the loss of this one machine takes {len(params[option])} {option} with it",
            "Spread them over more machines",
        )
        for option in ("masters", "coreapps")
        if len(params[option]) > 1
    ]


def host_problems(facts: Mapping[str, Any], params: Mapping[str, Any]) -> list[Problem]:
    """Return the problems of the host itself.

    facts: {"architecture": str, "free_mb": {path: int}, "missing_files": list of (option, path), "nfs": bool}.
    """
    problems: list[Problem] = []
    if facts["architecture"] not in params["architectures"]:
        known = ", ".join(params["architectures"])
        problems.append(
            Problem("architectures", facts["architecture"], f"the images run on {known}", "Use another machine")
        )
    for path, free in facts["free_mb"].items():
        if free < params["min_free_mb"]:
            problem = f"the file system of {path} has {free} MB left, less than {params['min_free_mb']}"
            problems.append(Problem("min_free_mb", params["min_free_mb"], problem, "Make room there, or lower it"))
    for option, path in facts["missing_files"]:
        problems.append(Problem(option, path, "there is no such file", "Put it there, or fix the path"))
    if params["nfs"] and not facts["nfs"]:
        problem = "this host's kernel has no NFS client, neither built in nor as a module"
        problems.append(Problem("nfs", True, problem, "Install a kernel that has one, or do without shared media here"))
    return problems


def address_problems(
    nodes: Iterable[Mapping[str, Any]], params: Mapping[str, Any], has_address: Callable[[str], bool]
) -> list[Problem]:
    """Return a problem for every address that nodes are to be published on and that the host does not have.

    nodes: as from `nodes.plan_nodes`. params: the options they were planned from. has_address: whether the host has an address.
    """
    wanted = {one.option: one.address for node in nodes for one in publications(node, params) if not one.host_network}
    return [
        Problem(option, address, "this host has no such address", "Give an address of this host, or '' for all")
        for option, address in sorted(wanted.items())
        if address and not has_address(address)
    ]


def memory_needed(nodes: Iterable[Mapping[str, Any]]) -> int:
    """Return the memory in MB that the nodes of a host need."""
    return sum((VENDOR_MEMORY_MB if is_vendor_image(node["image"]) else MEMORY_MB)[node["role"]] for node in nodes)


def memory_problems(nodes: list[dict[str, Any]], memory_mb: int) -> list[Problem]:
    """Return a problem where the memory of a host, in MB, is too small for its nodes (as from `nodes.plan_nodes`)."""
    needed = memory_needed(nodes)
    if memory_mb >= needed:
        return []
    problem = f"its {len(nodes)} containers need about {needed} MB"
    return [Problem("memory", f"{memory_mb} MB", problem, "Give the host more memory, or fewer instances")]


def database_problem(address: Mapping[str, Any], error: str) -> Problem:
    """Return the problem of a database that does not answer. address: {"host", "port"}. error: the error of the connection."""
    if not address["host"]:
        return Problem(
            "database_address.host",
            "",
            "the cluster has no database",
            "Name the host of yours, or put a host into the group waba_mysql",
        )
    problem = f"nothing answers at port {address['port']}: {error}"
    return Problem(
        "database_address.host",
        address["host"],
        problem,
        "Start the database, open its port to this host, or fix the address",
    )


def lost_password_problem(volume: str) -> Problem:
    """Return the problem of a database whose password is not set any more. volume: the source of its volume."""
    return Problem(
        "database_password",
        "(not set)",
        f"{volume} holds a database that has a password already, and a new one would not open it",
        "Bring its secrets file back, or give the password; if its data may be lost, delete the volume first",
    )


DATABASE_PASSWORDS = {  # variable of the database container: the setting of its password
    "MYSQL_PASSWORD": "waba_database_password",
    "MYSQL_ROOT_PASSWORD": "waba_database_root_password",
}


def changed_password_problems(
    former: Mapping[str, str], wanted: Mapping[str, Any], rotated: Collection[str] = ()
) -> list[Problem]:
    """Return a problem for each password of the database container that differs from the one that its database has.

    former, wanted: the variables of the container, as the host has them and as the settings give them. rotated: former passwords that a rotation is about
    to replace on this host.
    """
    problem = "the database of this host has another password, which a changed setting does not change"
    fix = "Set the former value, and run rotate_secrets.yml, which changes it in the database"
    return [
        Problem(setting, REDACTED, problem, fix)
        for variable, setting in DATABASE_PASSWORDS.items()
        if former.get(variable) and former[variable] not in (str(wanted.get(variable, "")), *rotated)
    ]
