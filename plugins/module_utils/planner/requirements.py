# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host must offer before anything is touched, beyond its ports (rules: design, and ours where the text says no number)."""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.planner.problems import Problem

FEWEST_MASTERS = 2


def cluster_problems(masters_total, coreapps_total, shards, ha):
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
    if ha and coreapps_total is not None and coreapps_total < shards + 1:
        problems.append(
            Problem(
                "coreapps_total",
                coreapps_total,
                f"{shards} shard(s) need {shards + 1} coreapps or more, so that one stands by",
                "Add coreapps, use fewer shards, or set ha (waba_ha) to false",
            )
        )
    return problems


def gathering_warnings(params):
    """Return warnings (list of str) about instances that one machine's loss would take together."""
    if params["layout"] == "single_server":
        return []
    return [
        f"{len(params[option])} {option} on {params['external_hostname']}: the loss of this one machine takes them all."
        for option in ("masters", "coreapps")
        if len(params[option]) > 1
    ]


def host_problems(facts, params):
    """Return what the host itself lacks (list of Problem).

    facts: {"architecture": str, "free_mb": {path: int}, "missing_files": list of (option, path)}.
    """
    problems = []
    if facts["architecture"] not in params["architectures"]:
        known = ", ".join(params["architectures"])
        problems.append(
            Problem("architectures", facts["architecture"], f"the images run on {known}", "Use another machine")
        )
    for path, free in facts["free_mb"].items():
        if free < params["min_free_mb"]:
            wrong = f"the file system of {path} has {free} MB left, less than {params['min_free_mb']}"
            problems.append(Problem("min_free_mb", params["min_free_mb"], wrong, "Make room there, or lower it"))
    for option, path in facts["missing_files"]:
        problems.append(Problem(option, path, "there is no such file", "Put it there, or mend the path"))
    return problems


def database_problem(address, error):
    """Return the Problem of a database that does not answer. address: {"host", "port"}. error: str, what the connection met."""
    if not address["host"]:
        return Problem(
            "database_address.host",
            "",
            "the cluster has no database",
            "Name the host of yours, or put a host into the group waba_mysql",
        )
    wrong = f"nothing answers at port {address['port']}: {error}"
    return Problem(
        "database_address.host",
        address["host"],
        wrong,
        "Start the database, open its port to this host, or mend the address",
    )
