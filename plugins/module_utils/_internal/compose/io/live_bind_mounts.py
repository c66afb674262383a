# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare the media folder of a running container with the one that its host has now."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import bind_mounts
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import MOUNT_POINTS
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import subprocess_timeout

TIMEOUT = 5  # seconds to follow symbolic links


def stale_binds(container: Mapping[str, Any]) -> list[str]:
    """Return the mount points at which a container (inspect answer) has another folder than its host has now; empty if unknown.

    Only the media folder is compared, since only media is stored on a share.
    """
    process = container["State"].get("Pid")
    bound = {mount["Destination"]: mount["Source"] for mount in container["Mounts"] if mount["Type"] == "bind"}
    source = bound.get(MOUNT_POINTS["media"])
    if not process or not source:
        return []
    try:
        host, own = _table("self"), _table(process)
    except OSError:  # the process has exited, or the caller is not root
        return []
    target = MOUNT_POINTS["media"]
    differs = bind_mounts.is_stale(host, source, own, target) and bind_mounts.is_stale(
        host, _resolved(source), own, target
    )
    return [target] if differs else []


def _table(process: int | str) -> str:
    with open(f"/proc/{process}/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def _resolved(path: str) -> str:
    try:
        return subprocess_timeout.call(os.path.realpath, path, timeout=TIMEOUT)
    except (HostError, OSError):
        return path
