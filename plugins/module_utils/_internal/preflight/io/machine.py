# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts about a machine: memory, kernel, distribution, versions of Docker. Needs neither Docker nor libraries."""

from __future__ import annotations

import contextlib
import glob
import json
import platform
from collections.abc import Callable
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import packages
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import install
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.command import run_docker


def memory_mb() -> int:
    """Return the memory of the machine in MB; 0 if the kernel does not report it."""
    with contextlib.suppress(OSError), open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) // 1024
    return 0


def has_nfs() -> bool:
    """Return whether the running kernel can mount NFS: it does so already, has it built in, or has the module on disk."""
    with contextlib.suppress(OSError), open("/proc/filesystems", encoding="ascii") as file:
        if any(line.split()[-1] in ("nfs", "nfs4") for line in file):
            return True
    modules = f"/lib/modules/{platform.release()}"
    with contextlib.suppress(OSError), open(f"{modules}/modules.builtin", encoding="utf-8") as file:
        if any(line.strip().endswith("/nfs.ko") for line in file):
            return True
    return bool(glob.glob(f"{modules}/kernel/fs/nfs/nfs.ko*"))


def machine_id() -> str:
    """Return the machine id, or "" if there is none."""
    with contextlib.suppress(OSError), open("/etc/machine-id", encoding="ascii") as file:
        return file.read().strip()
    return ""


def software(run_command: Callable[..., tuple[int, str, str]]) -> dict[str, Any]:
    """Return the facts that `preflight.software.judge` needs. run_command: AnsibleModule.run_command."""
    release, compose = install.os_release(), install.compose_version(run_command)
    lacks = install.missing_software(compose)
    found: dict[str, Any] = {
        "distribution": release.get("ID", platform.system().lower()),
        "release": release.get("VERSION_ID", ""),
        "lacks": lacks,
        "docker_ce": bool(lacks) and install.has_docker_ce(run_command),
        "mirror": packages.find_mirror(install.apt_sources()),
        "engine": None,
        "compose": compose,
        "error": None,
        "daemon": install.daemon_options(),
    }
    if "cli" not in found["lacks"] and install.engine_answers():
        status, out, error = run_docker(run_command, ["version", "--format", "{{json .Server.Version}}"])
        if status == 0:
            found["engine"] = json.loads(out)
        else:
            found["error"] = (error or out).strip()
    return found
