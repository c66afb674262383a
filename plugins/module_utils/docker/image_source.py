# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an image is made from, as one hash: a change of any of it asks for a new build. Pure."""

from __future__ import annotations

import hashlib
import json

LABEL = "waba.image.source-hash"  # not waba.cluster.*: a container inherits it, and must not look changed by it
SCHEMA = 1  # raise it when the way of building changes

# What an image has no use for.
EXCLUDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*")


ROLLING = ("sid", "unstable")  # a mirror may be behind what their lists say of their own age


def digest(content):
    """Return the hash (hex str) of any JSON-serialisable content."""
    return hashlib.sha256(json.dumps([SCHEMA, content], sort_keys=True).encode()).hexdigest()


def base_hash(packages, suite):
    """Return the hash of a root file system: packages (list of str) and suite (str)."""
    return digest([sorted(packages), suite, EXCLUDED])


def image_hash(base, files):
    """Return the hash of an image: its root file system's hash, and {relative path: (mode as int, sha256 as hex str)} of its files."""
    return digest([base, sorted((path, *facts) for path, facts in files.items())])


def base_name(name, base):
    """Return the name of the root file system's image, for an image name and the hash of its root file system."""
    return f"{name.rsplit(':', 1)[0]}-base:{base[:12]}"


def mmdebstrap_command(packages, suite, mirror, target):
    """Return the command (list of str) that makes a root file system as a tar file."""
    excluded = [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED]
    aged = ['--aptopt=Acquire::Check-Valid-Until "false"'] if suite in ROLLING else []
    cleaned = ["--customize-hook=rm -rf $1/var/lib/apt/lists/* $1/var/cache/* $1/var/log/*"]
    return [
        "mmdebstrap", "--variant=minbase", "--quiet", f"--include={','.join(sorted(packages))}", *aged, *excluded, *cleaned,
        suite, target, mirror,
    ]  # fmt: skip
