# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes a host back up by itself, and reads the recorded state of its backups."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup import retention, state, units
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup.io import job, program
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.subprocess_timeout import RunCommand
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import InputError, Problem

SYSTEMD = "/run/systemd/system"
MODES = {units.PROGRAM: 0o644, units.CONFIGURATION: 0o600}
UNIT_MODE = 0o644
NOT_CONFIGURED = ("state", "path", "schedule")  # options that the job does not need

Files = dict[str, tuple[str, int]]  # path: (text, mode)


def converge(module: AnsibleModule) -> dict[str, Any]:
    """Set up or remove the schedule; return the result of the module `backup_schedule`. Raises InputError, HostError."""
    params = module.params
    wanted: Files = {}
    if params["state"] == "present":
        refuse(params)
        missing = missing_packages(params)
        if missing:
            return {
                "changed": True,
                "installed": False,
                "packages": missing,
                "diff": {"before": "", "after": ", ".join(missing)},
            }
        wanted = wanted_files(params)
    current = current_files(params)
    changed = [path for path in {**current, **wanted} if current.get(path) != wanted.get(path)]
    folder = "" if wanted else configured(params).get("folder", "")
    active = not wanted or is_active(params["cluster_name"], module.run_command)
    if not module.check_mode and (changed or not active):
        apply(params["cluster_name"], current, wanted, changed, module.run_command)
    return {
        "changed": bool(changed) or not active,
        "installed": True,
        "packages": [],
        "files": [{"path": path, "action": _action(path, current, wanted)} for path in changed],
        "folder": folder,
        "diff": {"before": _described(current), "after": _described(wanted)},
    }


def refuse(params: Mapping[str, Any]) -> None:
    """Raise InputError for settings that this host cannot meet."""
    found = []
    parent = os.path.dirname(params["folder"])
    if not os.path.isdir(params["folder"]) and not os.path.isdir(parent):
        fix = "Mount its file system, create it, or set another path"
        found.append(Problem("waba_backup_path", params["folder"], f"there is no folder {parent}", fix))
    good = job.read_state(params["folder"])["good"]
    if good and retention.archive_time(params["cluster_name"], good["name"]) is None:
        problem = f"it contains the backups of another cluster, such as {good['name']}"
        found.append(Problem("waba_backup_path", params["folder"], problem, "Set a folder for each cluster"))
    command = params["copy_command"]
    if command and shutil.which(command[0]) is None:
        fix = "Install it, or give its path"
        found.append(Problem("waba_backup_copy_command", command[0], "there is no such program on this host", fix))
    if found:
        raise InputError(found)


def missing_packages(params: Mapping[str, Any]) -> list[str]:
    """Return the Debian packages that this host lacks."""
    needed = {"age": shutil.which("age")}
    if params["database"]["host"]:
        needed["mariadb-client"] = shutil.which("mariadb-dump") or shutil.which("mysqldump")
    if not os.path.isdir(SYSTEMD):
        needed["cron"] = shutil.which("cron") or shutil.which("crond")
    return [package for package, program_path in needed.items() if program_path is None]


def wanted_files(params: Mapping[str, Any]) -> Files:
    """Return the files of the schedule: the program, its configuration, and units or an entry of cron."""
    folder, cluster = params["path"], params["cluster_name"]
    config = {name: value for name, value in params.items() if name not in NOT_CONFIGURED}
    texts = units.texts(cluster, params["schedule"], sys.executable, folder, os.path.isdir(SYSTEMD))
    return {
        os.path.join(folder, units.PROGRAM): (
            program.build().decode("utf-8", "surrogateescape"),
            MODES[units.PROGRAM],
        ),
        os.path.join(folder, units.CONFIGURATION): (
            json.dumps(config, indent=2, sort_keys=True) + "\n",
            MODES[units.CONFIGURATION],
        ),
        **{path: (text, UNIT_MODE) for path, text in texts.items()},
    }


def configured(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of the cluster's schedule on this host, {} where there is none or it cannot be parsed. Raises HostError."""
    text = files.read(os.path.join(params["path"], units.CONFIGURATION))
    try:
        found = json.loads(text[0]) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def current_files(params: Mapping[str, Any]) -> Files:
    """Return the files of the cluster's schedule that this host has, and its metrics where it is to be removed. Raises HostError."""
    cluster, config = params["cluster_name"], configured(params)
    paths = []
    if config.get("cluster_name", cluster) == cluster:
        paths += [os.path.join(params["path"], name) for name in MODES]
        if params["state"] == "absent" and config.get("metrics_folder"):
            paths.append(job.metrics_path(config))
    found = {path: content[:2] for path in paths if (content := files.read(path))}
    for path in units.paths(cluster).values():
        unit = files.read(path)
        if unit and contract.is_managed(unit[0], cluster):
            found[path] = unit[:2]
    return found


def apply(cluster: str, current: Files, wanted: Files, changed: list[str], run_command: RunCommand) -> None:
    """Write and remove files, and let the service manager read them. Raises HostError."""
    timer = units.paths(cluster)["timer"]
    unit = os.path.basename(timer)
    if timer in current and timer not in wanted and os.path.isdir(SYSTEMD):
        _systemctl(run_command, "disable", "--now", "--quiet", unit)
    for path in changed:
        if path not in wanted:
            files.remove(path)
            continue
        if not os.path.isdir(os.path.dirname(path)):
            files.create_folder(os.path.dirname(path))
        files.write(path, *wanted[path])
    for path in files.leftovers({**current, **wanted}):
        files.remove(path)
    if os.path.isdir(SYSTEMD):
        _systemctl(run_command, "daemon-reload")
        if timer in wanted:
            _systemctl(run_command, "enable", "--quiet", unit)
            _systemctl(run_command, "restart", unit)


def is_active(cluster: str, run_command: RunCommand) -> bool:
    """Return whether the timer is enabled and active, as the files define it. True without systemd, where cron reads its folder itself."""
    if not os.path.isdir(SYSTEMD):
        return True
    timer, service = (os.path.basename(units.paths(cluster)[kind]) for kind in ("timer", "service"))
    if any(run_command(["systemctl", question, "--quiet", timer])[0] for question in ("is-enabled", "is-active")):
        return False
    # A run that was killed between the files and the reload leaves a timer with the former schedule.
    _status, output, _errors = run_command(["systemctl", "show", "--property=NeedDaemonReload", timer, service])
    return "NeedDaemonReload=yes" not in output


def _systemctl(run_command: RunCommand, *arguments: str) -> None:
    status, output, errors = run_command(["systemctl", *arguments])
    if status != 0:
        raise HostError(f"systemctl {' '.join(arguments)} failed: {(errors or output).strip()}")


def recorded(params: Mapping[str, Any]) -> dict[str, str]:
    """Return {"state", "problem"} of the backups of this host, for the status of the cluster; {} where no schedule is set up. Raises HostError."""
    path = os.path.join(params["path"], units.CONFIGURATION)
    if not os.path.exists(path):
        return {}
    found = job.read_state(params["folder"])
    return state.report(found, time.time(), os.path.getmtime(path), params["max_age"])


def _action(path: str, current: Files, wanted: Files) -> str:
    return "removed" if path not in wanted else "updated" if path in current else "created"


def _described(found: Files) -> str:
    """Return the files as text for a diff. The copy command may contain a secret, so the configuration is a checksum."""
    lines = []
    for path, (text, mode) in sorted(found.items()):
        is_text = os.path.basename(path) not in MODES
        content = text if is_text else hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest() + "\n"
        lines.append(f"{path} {mode:04o}\n{content}")
    return "".join(lines)
