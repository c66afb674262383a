# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the collection supports the distribution, the Docker Engine and the Compose of a host. The ranges are the tested versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import packages
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

TESTED_DISTRIBUTIONS = ("debian 12", "debian 13")
# The oldest version that works, and the newest tested release series.
RANGES = {"Docker engine": ((20, 10), 29), "Docker Compose": ((2, 20), 5)}
IPV6_BY_DEFAULT = (27,)
PARTS = {
    "engine": "the Docker engine",
    "cli": "the docker command",
    "compose": "Docker Compose v2",
    "docker_sdk": "the Docker SDK for Python",
    "yaml": "PyYAML",
}
INSTALL = "Install it, or set docker_host_manage to true"


def version(text: str | None) -> tuple[int, ...]:
    """Return the leading numbers of a version such as "20.10.24+dfsg1" or "v2.26.1-4"; () for other text."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", text or "")
    return tuple(int(number) for number in match.group(1).split(".")) if match else ()


def judge(found: Mapping[str, Any], managed: bool, ipv6: bool = False) -> tuple[list[Problem], list[Problem]]:
    """Return (problems, warnings) about the software of a host.

    found: {"distribution": str, "release": str, "lacks": list of keys of PARTS, "docker_ce": whether it has packages of Docker's own repository, "mirror":
    str or None, "engine": version text or None, "compose": the same, "error": why the docker command cannot talk to the engine, or None, "daemon": the
    options of its daemon.json}. managed: whether the collection installs what is missing and starts the engine. ipv6: whether containers need IPv6.
    """
    problems: list[Problem] = []
    warnings: list[Problem] = []
    system = f"{found['distribution']} {found['release']}".strip()
    problems += _lacking(found, system) if managed else _unmanaged(found)
    problems += _ipv6_problems(found) if ipv6 else []
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
                Problem(program, text, f"it is newer than {newest}, the newest tested", "Rehearse with it first")
            )
    return problems, warnings


def _lacking(found: Mapping[str, Any], system: str) -> list[Problem]:
    if not found["lacks"]:
        return []
    parts = ", ".join(PARTS[part] for part in found["lacks"])
    wanted = (found["lacks"], found["distribution"], found["release"])
    try:
        packages.packages_for(*wanted, docker_ce=found["docker_ce"])
    except packages.UnknownDistribution as error:
        return [
            Problem("distribution", system, f"it lacks {parts}, and {error}", "Install that, or use Debian 12 or 13")
        ]
    if packages.compose_suite(*wanted, docker_ce=found["docker_ce"]) and not found["mirror"]:
        problem = "Docker Compose v2 comes from a Debian mirror, and the apt sources name none"
        return [Problem("distribution", system, problem, "Name one there, or install docker-compose by hand")]
    return []


def _ipv6_problems(found: Mapping[str, Any]) -> list[Problem]:
    """Return the problem of an engine that does not translate IPv6 addresses. Before version 27 it does so as an experiment only."""
    options, is_default = found["daemon"], version(found["engine"]) >= IPV6_BY_DEFAULT
    if options.get("ip6tables", is_default) and (is_default or options.get("experimental")):
        return []
    problem = f"Docker {found['engine'] or 'before 27'} connects no container by IPv6 with its settings"
    fix = 'Put "experimental": true and "ip6tables": true into /etc/docker/daemon.json, and restart Docker if it runs'
    return [Problem("ipv6", True, problem, fix)]


def _unmanaged(found: Mapping[str, Any]) -> list[Problem]:
    missing = [
        Problem("docker_host_manage", False, f"{PARTS[part]} is missing on this host", INSTALL)
        for part in found["lacks"]
    ]
    if "engine" not in found["lacks"] and not found["engine"] and not found["error"]:
        problem = "no Docker engine answers on this host"
        missing.append(Problem("docker_host_manage", False, problem, "Start it, or set docker_host_manage to true"))
    return missing
