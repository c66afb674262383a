# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sources of an image as one hash: a different hash requires a build. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import image_packages

# Not waba.cluster.*: containers inherit the label, and it must not count as a difference of their configuration.
LABEL = "waba.image.source-hash"
SCHEMA = 2  # increase it when the build procedure changes

# Files that no image needs.
EXCLUDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*")


def digest(content: Any) -> str:
    """Return the SHA-256 (hex) of JSON-serialisable content."""
    return hashlib.sha256(json.dumps([SCHEMA, content], sort_keys=True).encode()).hexdigest()


def base_hash(packages: Iterable[str], suite: str, revision: str = "") -> str:
    """Return the hash of a root file system with these packages of a Debian suite. revision: any text; another one requires a build with new packages."""
    return digest([sorted(packages), suite, EXCLUDED, revision])


def image_hash(base: str, files: Mapping[str, tuple[int, str]]) -> str:
    """Return the hash of an image. base: the hash of its root file system. files: {relative path: (mode, SHA-256 in hex)}."""
    return digest([base, sorted((path, *facts) for path, facts in files.items())])


def base_name(name: str, base: str) -> str:
    """Return the name of the root file system's image, for an image's name and the hash of the root file system."""
    return f"{name.rsplit(':', 1)[0]}-base:{base[:12]}"


def mmdebstrap_command(packages: Iterable[str], suite: str, sources: Sequence[str], target: str) -> list[str]:
    """Return the command that writes a root file system to target, a tar file. sources: as from `image_packages.apt_sources`."""
    excluded = [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED]
    expired = [f"--aptopt={option}" for option in image_packages.apt_options(suite)]
    cleanup = ["--customize-hook=rm -rf $1/var/lib/apt/lists/* $1/var/cache/* $1/var/log/*"]
    return [
        "mmdebstrap", "--variant=minbase", "--quiet", f"--include={','.join(sorted(packages))}", *expired, *excluded, *cleanup,
        suite, target, *sources,
    ]  # fmt: skip
