# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks at what a running container has of its host's folder for media, and at what is there now."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils.compose import bind_mounts as binds
from ansible_collections.waba.cluster.plugins.module_utils.contract import MOUNT_POINTS
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import subprocess_timeout as bounded

TIMEOUT = 5  # seconds to follow symbolic links


def elsewhere(container: Mapping[str, Any]) -> list[str]:
    """Return where (list of str, mount points) a container has another folder than its host has now; what cannot be known is none.

    container: inspect answer. Only media is looked at: it alone is meant for a share.
    """
    process = container["State"].get("Pid")
    bound = {mount["Destination"]: mount["Source"] for mount in container["Mounts"] if mount["Type"] == "bind"}
    source = bound.get(MOUNT_POINTS["media"])
    if not process or not source:
        return []
    try:
        host, own = _table("self"), _table(process)
    except OSError:  # it ended just now, or this is not its host's root
        return []
    target = MOUNT_POINTS["media"]
    differs = binds.elsewhere(host, source, own, target) and binds.elsewhere(host, _followed(source), own, target)
    return [target] if differs else []


def _table(process: int | str) -> str:
    with open(f"/proc/{process}/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def _followed(path: str) -> str:
    try:
        return bounded.call(os.path.realpath, path, timeout=TIMEOUT)
    except (HostError, OSError):
        return path
