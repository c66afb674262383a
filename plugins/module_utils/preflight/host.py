# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host must offer before anything is touched, beyond its ports (rules: design, and ours where the text says no number)."""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.compose.nodes import publish_option, published_on
from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils.secrets.validation import is_vendor_image

FEWEST_MASTERS = 2
# What a container takes at rest and some more: measured for ours, the reservations of the vendor's own templates for theirs (vendor fact).
MEMORY_MB = {"mysql": 256, "master": 96, "coreapp": 96, "webapp": 96}
VENDOR_MEMORY_MB = {"mysql": 256, "master": 1024, "coreapp": 1024, "webapp": 512}


def cluster_problems(masters_total, coreapps_total, webapps_total, shards, ha):
    """Return what is wrong with the counts of the whole cluster (list of Problem). A count that is None was not told and is not judged."""
    problems = []
    if ha and masters_total is not None and masters_total < FEWEST_MASTERS:
        problems.append(
            Problem(
                "masters_total",
                masters_total,
                f"a highly available cluster needs {FEWEST_MASTERS} masters or more",
                "Add masters, or set ha (waba_ha) to false",
            )
        )
    elif masters_total == 0:
        problems.append(_none_of("masters"))
    # The cluster itself refuses more shards than one without a coreapp to stand by (vendor fact).
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


def _none_of(kind):
    fix = f"Name an instance on a host of the group waba_{kind}, or leave it out there: each has one then"
    return Problem(f"{kind}_total", 0, f"the cluster has no {kind}", fix)


def gathering_warnings(params):
    """Return a Problem for every role of which one machine's loss would take several instances together."""
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


def host_problems(facts, params):
    """Return what the host itself lacks (list of Problem).

    facts: {"architecture": str, "free_mb": {path: int}, "missing_files": list of (option, path), "memory_mb": int, "nfs": bool}.
    """
    problems = []
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


def address_problems(nodes, params, has_address):
    """Return a Problem for every address on which a host's nodes are to be published and that it does not have.

    nodes: as from `nodes.plan_nodes`. params: the options they were planned from. has_address: tells of an address (str) whether the host has it.
    """
    wanted = {publish_option(node): published_on(node, params) for node in nodes if node["published"]}
    return [
        Problem(option, address, "this host has no such address", "Give an address of this host, or '' for all")
        for option, address in sorted(wanted.items())
        if address and not has_address(address)
    ]


def memory_needed(nodes):
    """Return the memory (int, MB) that the nodes of a host need."""
    return sum((VENDOR_MEMORY_MB if is_vendor_image(node["image"]) else MEMORY_MB)[node["role"]] for node in nodes)


def memory_problems(nodes, memory_mb):
    """Return a Problem (in a list) when a host's memory (int, MB) cannot hold its nodes (as from `nodes.plan_nodes`)."""
    needed = memory_needed(nodes)
    if memory_mb >= needed:
        return []
    problem = f"its {len(nodes)} containers need about {needed} MB"
    return [Problem("memory", f"{memory_mb} MB", problem, "Give the host more memory, or fewer instances")]


def database_problem(address, error):
    """Return the Problem of a database that does not answer. address: {"host", "port"}. error: str, what the connection met."""
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


def forgotten_password_problem(volume):
    """Return the Problem of a database that was set up with a password which nobody gives any more (rule: ours). volume: str, its source."""
    return Problem(
        "database_password",
        "(not set)",
        f"{volume} holds a database that has a password already, and a new one would not open it",
        "Bring its secrets file back, or give the password; if its data may be lost, delete the volume first",
    )
