# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The HTTP proxy of this host's engine: the files that set it, and the environment of the running engine."""

from __future__ import annotations

import os

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import engine_proxy
from ansible_collections.waba.cluster.plugins.module_utils._internal.egress import Proxy
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files

PID_FILE = "/var/run/docker.pid"


def differing_files(proxy: Proxy | None) -> list[str]:
    """Return the paths of the files that differ from those of a proxy, None for no proxy. Raises HostError."""
    return [
        path
        for path, wanted in engine_proxy.files(proxy).items()
        if files.read(path) != (None if wanted is None else (*wanted, os.geteuid()))
    ]


def write_files(proxy: Proxy | None) -> None:
    """Write the files of a proxy, or remove them. Raises HostError."""
    for path, wanted in engine_proxy.files(proxy).items():
        if wanted is None:
            files.remove(path)
            continue
        try:
            os.makedirs(os.path.dirname(path), mode=files.FOLDER_MODE, exist_ok=True)
        except OSError as error:
            raise HostError(f"Cannot create the folder of {path}: {error.strerror}.") from error
        files.write(path, *wanted)


def is_stale(proxy: Proxy | None) -> bool:
    """Return whether the running engine must be restarted to use a proxy; False where its environment cannot be read."""
    try:
        with open(PID_FILE, encoding="ascii") as file:
            pid = int(file.read())
        with open(f"/proc/{pid}/environ", encoding="utf-8", errors="surrogateescape") as file:
            entries = file.read().split("\0")
    except (OSError, ValueError):
        return False
    return engine_proxy.is_stale(dict(entry.partition("=")[::2] for entry in entries if entry), proxy)
