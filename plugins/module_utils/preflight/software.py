# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a host's distribution, Docker engine and Compose are such as the collection works with (ranges: ours, from what it is tested with)."""

from __future__ import annotations

import re

from ansible_collections.waba.cluster.plugins.module_utils.docker import packages
from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem

TESTED_DISTRIBUTIONS = ("debian 12", "debian 13")
# Oldest that works, and the newest release series that was there to be looked at.
RANGES = {"Docker engine": ((20, 10), 29), "Docker Compose": ((2, 20), 5)}
PARTS = {
    "engine": "the Docker engine",
    "cli": "the docker command",
    "compose": "Docker Compose v2",
    "docker_sdk": "the Docker SDK for Python",
    "yaml": "PyYAML",
}
LET_US = "Install it, or set docker_host_manage to true"


def version(text):
    """Return the numbers (tuple of int) that a version such as "20.10.24+dfsg1" or "v2.26.1-4" begins with; () for anything else."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", text or "")
    return tuple(int(number) for number in match.group(1).split(".")) if match else ()


def judge(found, managed):
    """Return (problems, warnings), lists of Problem.

    found: {"distribution": str, "release": str, "lacks": list of keys of PARTS, "mirror": str or None, "engine": version text or None,
    "compose": the same, "error": why the docker command cannot talk to the engine, or None}. managed: whether the collection installs what is
    missing and starts the engine.
    """
    problems, warnings = [], []
    system = f"{found['distribution']} {found['release']}".strip()
    problems += _lacking(found, system) if managed else _not_ours(found)
    if system not in TESTED_DISTRIBUTIONS and not problems:
        problem = f"the collection is tested on {' and '.join(TESTED_DISTRIBUTIONS)}"
        warnings.append(Problem("distribution", system, problem, "Rehearse on such a host first"))
    if found["error"]:
        problems.append(
            Problem("docker", found["engine"], f"the docker command cannot use the engine: {found['error']}",
                    "Bring both to versions that speak one API")
        )  # fmt: skip
    for program, text in (("Docker engine", found["engine"]), ("Docker Compose", found["compose"])):
        oldest, newest = RANGES[program]
        numbers = version(text)
        if numbers and numbers < oldest:
            problem = f"it is older than {'.'.join(map(str, oldest))}"
            problems.append(Problem(program, text, problem, "Upgrade it"))
        elif numbers and numbers[0] > newest:
            warnings.append(
                Problem(program, text, f"it is newer than {newest}, the newest looked at", "Rehearse with it first")
            )
    return problems, warnings


def _lacking(found, system):
    if not found["lacks"]:
        return []
    parts = ", ".join(PARTS[part] for part in found["lacks"])
    try:
        packages.packages_for(found["lacks"], found["distribution"], found["release"])
    except packages.UnknownDistribution as error:
        return [
            Problem("distribution", system, f"it lacks {parts}, and {error}", "Install that, or use Debian 12 or 13")
        ]
    if packages.compose_suite(found["lacks"], found["distribution"], found["release"]) and not found["mirror"]:
        problem = "Docker Compose v2 comes from a Debian mirror, and the apt sources name none"
        return [Problem("distribution", system, problem, "Name one there, or install docker-compose by hand")]
    return []


def _not_ours(found):
    missing = [
        Problem("docker_host_manage", False, f"{PARTS[part]} is missing on this host", LET_US)
        for part in found["lacks"]
    ]
    if "engine" not in found["lacks"] and not found["engine"] and not found["error"]:
        problem = "no Docker engine answers on this host"
        missing.append(Problem("docker_host_manage", False, problem, "Start it, or set docker_host_manage to true"))
    return missing
