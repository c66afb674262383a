# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compares the firewall, the export, the mount and the schedule of backups of a host with its settings, as their modules do in check mode."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import (
    BACKUP_SCHEDULE_OPTIONS,
    EXPORT_OPTIONS,
    FIREWALL_OPTIONS,
    HOSTS_OPTIONS,
    MOUNT_OPTIONS,
    PLAN_OPTIONS,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup.io import schedule
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.firewall.io import convergence
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs.io import live_exports, share
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import InputError, Problem

PARTS = {  # option: (option spec, function, the setting that a problem names)
    "firewall": ({**PLAN_OPTIONS, **HOSTS_OPTIONS, **FIREWALL_OPTIONS}, convergence.converge, "waba_firewall"),
    "export": (EXPORT_OPTIONS, live_exports.converge, "nfs_server_export"),
    "mount": (MOUNT_OPTIONS, share.converge_mounted, "nfs_mount_server"),
    "backup": (BACKUP_SCHEDULE_OPTIONS, schedule.converge, "waba_backup_schedule"),
}


def compare(module: AnsibleModule, own_share: bool) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """Return ({part: {"change", "diff"}}, problems). A change is (object, action, reason), None for no difference.

    own_share: whether a host of the inventory exports the share, which it may only do later in the run.
    """
    found: dict[str, dict[str, Any]] = {}
    problems: list[Problem] = []
    for part, (_spec, _converge, setting) in PARTS.items():
        given = module.params[part]
        if not given:
            continue
        try:
            found[part] = _compared(module, part, given)
        except InputError as error:
            problems += error.problems
        except HostError as error:
            if part == "mount" and own_share:
                change = (_name(part, given), "mount", "its server does not export it yet")
                found[part] = {"change": change, "diff": {}}
            else:
                problems.append(Problem(setting, _value(part, given), str(error), "Fix the cause, then run again"))
    return found, problems


def _compared(module: AnsibleModule, part: str, given: Mapping[str, Any]) -> dict[str, Any]:
    spec, converge, _setting = PARTS[part]
    params = ArgumentSpecValidator(spec).validate(given).validated_parameters
    caller = SimpleNamespace(params=params, check_mode=True, run_command=module.run_command, warn=module.warn)
    result = converge(caller)
    if not result["changed"]:
        return {"change": None, "diff": {}}
    absent = params["state"] == "absent"
    action = "mount" if part == "mount" else "remove" if absent else "apply"
    reason = "it differs from the settings" if result["installed"] else f"{result['diff']['after'].strip()} is missing"
    return {"change": (_name(part, given), action, reason), "diff": result["diff"]}


def _name(part: str, given: Mapping[str, Any]) -> str:
    names = {
        "firewall": "firewall",
        "backup": "schedule of backups",
        "export": "export of {path}",
        "mount": "share on {path}",
    }
    return names[part].format(**given)


def _value(part: str, given: Mapping[str, Any]) -> str:
    if part == "backup":
        return given.get("schedule") or "(none)"
    return given.get("server", "") if part == "mount" else given.get("path", "(as set)")
