# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Debian packages of an image: where they come from, and which of them have updates. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

ROLLING_SUITES = (
    "sid",
    "unstable",
)  # without suites for updates; a mirror's release file may be older than its own validity there
NO_SECURITY_MIRROR = "none"
INSTALL_LINE = re.compile(r"Inst (\S+) \[(\S+)\] \((\S+) ")


class Mirrors(NamedTuple):
    """The addresses of Debian's archive and of its security archive, None for no security archive."""

    debian: str
    security: str | None


class Update(NamedTuple):
    """A package of an image for which the mirrors have a newer version."""

    package: str
    installed: str
    candidate: str


def with_security(mirror: str, given: str | None, own: str | None) -> Mirrors:
    """Return the mirrors of a build. given: the security mirror that the user names. own: that of the host, None where the user names the mirror."""
    if given == NO_SECURITY_MIRROR:
        return Mirrors(mirror, None)
    return Mirrors(mirror, given or own or f"{mirror}-security")


def apt_sources(suite: str, mirrors: Mirrors, keyring: str | None) -> list[str]:
    """Return the lines of a sources.list with a suite, its updates and its security updates. keyring: the file that signs them, None for apt's own."""
    archives = [(mirrors.debian, suite)]
    if suite not in ROLLING_SUITES:
        archives.append((mirrors.debian, f"{suite}-updates"))
        archives += [(mirrors.security, f"{suite}-security")] if mirrors.security else []
    option = f"[signed-by={keyring}] " if keyring else ""
    return [f"deb {option}{mirror} {name} main" for mirror, name in archives]


def apt_options(suite: str) -> list[str]:
    """Return the apt options that a suite needs."""
    return ['Acquire::Check-Valid-Until "false"'] if suite in ROLLING_SUITES else []


def private_apt(folder: str, suite: str) -> list[str]:
    """Return the command for apt-get with its sources, lists and package status in a folder, regardless of the configuration of the host."""
    settings = {
        "Dir::State": f"{folder}/state",
        "Dir::State::status": f"{folder}/status",
        "Dir::Cache": f"{folder}/cache",
        "Dir::Etc::sourcelist": f"{folder}/sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",
        **({"Acquire::Check-Valid-Until": "false"} if suite in ROLLING_SUITES else {}),
    }
    return ["apt-get", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]


def parse_updates(output: str) -> list[Update]:
    """Return the updates in the output of `apt-get --simulate dist-upgrade`, sorted by package. Packages that would be added have no installed version."""
    return sorted(Update(*match.groups()) for match in map(INSTALL_LINE.match, output.splitlines()) if match)


def sbom_file(image_file: str) -> str:
    """Return the name of the bill of materials of a saved image. image_file: the name of its file."""
    return f"{image_file[: -len('.tar')]}.cdx.json"


def sbom_command(program: str, name: str, source_hash: str | None, root: str, target: str) -> list[str]:
    """Return the command of debsbom that writes the bill of materials of an image to target, without its suffix .cdx.json.

    root: a folder with the image's /var/lib/dpkg/status.
    """
    repository, _colon, version = name.rpartition(":")
    source: Sequence[str] = ("--add-meta-data", f"waba.image.source-hash={source_hash}") if source_hash else ()
    return [
        program, "generate", "--root", root, "--sbom-type", "cdx", "--distro-name", repository, "--distro-version", version,
        *source, "--out", target,
    ]  # fmt: skip
