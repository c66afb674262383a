# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which packages bring what a host still lacks. Pure."""

from __future__ import annotations

import re

# What a host needs, and the package that has it, by distribution. None: no package of its own there.
PACKAGES = {
    "engine": {"debian": "docker.io", "ubuntu": "docker.io"},
    "cli": {"debian": "docker-cli", "debian 12": "docker.io", "ubuntu": "docker.io"},
    "compose": {"debian": "docker-compose", "ubuntu": "docker-compose-v2"},
    "docker_sdk": {"debian": "python3-docker", "ubuntu": "python3-docker"},
    "yaml": {"debian": "python3-yaml", "ubuntu": "python3-yaml"},
}

# Debian 12 has no Compose v2. Debian 13's package needs nothing else from there.
COMPOSE_FROM_NEXT_RELEASE = {"debian 12": "trixie"}


class UnknownDistribution(Exception):
    """No package names are known for the distribution."""


def packages(missing, distribution, release):
    """Return the packages (sorted list of str) that bring what is missing.

    missing: keys of PACKAGES. distribution, release: `ID` and `VERSION_ID` of /etc/os-release. Raises UnknownDistribution.
    """
    key = f"{distribution} {release}"
    try:
        return sorted({names.get(key) or names[distribution] for names in (PACKAGES[need] for need in missing)})
    except KeyError as error:
        raise UnknownDistribution(f"no packages are known for {distribution} {release}") from error


def compose_suite(missing, distribution, release):
    """Return the suite that Compose must be taken from, or None where the host's own has it."""
    return COMPOSE_FROM_NEXT_RELEASE.get(f"{distribution} {release}") if "compose" in missing else None


def mirror(sources):
    """Return the first http(s) mirror (str, without a closing slash) that a host's apt sources name, or None.

    sources: list of texts, each a file in the one-line or in the deb822 form. Security archives are another kind of mirror.
    """
    for text in sources:
        active = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
        for found in re.finditer(r"^(?:deb\s+(?:\[[^\]]*\]\s+)?|URIs:\s*)(https?://\S+)", active, re.MULTILINE):
            uri = found.group(1).rstrip("/")
            if "security" not in uri and re.search(r"/debian$|/ubuntu$", uri):
                return uri
    return None
