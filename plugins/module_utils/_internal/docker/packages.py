# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The packages that provide the software a host lacks. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# The package for each requirement, by distribution or by distribution and release.
PACKAGES = {
    "engine": {"debian": "docker.io", "ubuntu": "docker.io"},
    "cli": {"debian": "docker-cli", "debian 12": "docker.io", "ubuntu": "docker.io"},
    "compose": {"debian": "docker-compose", "ubuntu": "docker-compose-v2"},
    "docker_sdk": {"debian": "python3-docker", "ubuntu": "python3-docker"},
    "yaml": {"debian": "python3-yaml", "ubuntu": "python3-yaml"},
}

# The packages of Docker's own repository. Those of a distribution conflict with them, so a host with any of these gets the rest from there.
DOCKER_CE = {"engine": "docker-ce", "cli": "docker-ce-cli", "compose": "docker-compose-plugin"}

# Debian 12 has no Compose v2. The package of Debian 13 has no dependencies that Debian 12 lacks.
COMPOSE_FROM_NEXT_RELEASE = {"debian 12": "trixie"}


class UnknownDistribution(Exception):
    """The collection has no package names for the distribution."""


def packages_for(missing: Iterable[str], distribution: str, release: str, *, docker_ce: bool = False) -> list[str]:
    """Return the sorted packages that provide the missing requirements.

    missing: keys of PACKAGES. distribution, release: `ID` and `VERSION_ID` of /etc/os-release. docker_ce: whether the host has packages of Docker's own
    repository. Raises UnknownDistribution.
    """
    key, own = f"{distribution} {release}", DOCKER_CE if docker_ce else {}
    try:
        return sorted({own.get(need) or PACKAGES[need].get(key) or PACKAGES[need][distribution] for need in missing})
    except KeyError as error:
        raise UnknownDistribution(f"no packages are known for {distribution} {release}") from error


def compose_suite(missing: Iterable[str], distribution: str, release: str, *, docker_ce: bool = False) -> str | None:
    """Return the suite that provides Compose, or None where the host's own sources do or Compose is installed. Arguments: see `packages_for`."""
    if docker_ce or "compose" not in missing:
        return None
    return COMPOSE_FROM_NEXT_RELEASE.get(f"{distribution} {release}")


def find_mirror(sources: Iterable[str]) -> str | None:
    """Return the first Debian or Ubuntu mirror (http or https, no trailing slash) in a host's apt sources, or None.

    sources: texts of files in the one-line or the deb822 format. Security archives are not mirrors.
    """
    return next((uri for uri in _uris(sources) if "security" not in uri and re.search(r"/debian$|/ubuntu$", uri)), None)


def find_security_mirror(sources: Iterable[str]) -> str | None:
    """Return the first mirror of Debian's security archive in a host's apt sources, or None. sources: as for `find_mirror`."""
    return next((uri for uri in _uris(sources) if re.search(r"/debian-security$", uri)), None)


def _uris(sources: Iterable[str]) -> Iterator[str]:
    for text in sources:
        active = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
        for match in re.finditer(r"^(?:deb\s+(?:\[[^\]]*\]\s+)?|URIs:\s*)(https?://\S+)", active, re.MULTILINE):
            yield match.group(1).rstrip("/")
