# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of scheduled backups: the rules that need no host, and the options of the module `backup_schedule`. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.backup import calendar, recipients
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.validation import is_vendor_image

Settings = Mapping[str, Any]

ARCHIVE = "{archive}"  # in the copy command: the path of the archive
ARCHIVE_VARIABLE = "WABA_BACKUP_ARCHIVE"  # the same, in the environment of the copy command
LOWEST = {
    "waba_backup_keep": 1,
    "waba_backup_keep_days": 0,
    "waba_backup_copy_timeout": 1,
    "waba_backup_max_age": 1,
}
ABSOLUTE = re.compile(r"/[^\s%\x00-\x1f\x7f]*")  # systemd and cron treat % and blanks in a path in their own ways


def problems(settings: Settings) -> list[Problem]:
    """Return the problems of the settings of one host; none where no schedule is set."""
    return list(_problems(settings)) if settings["waba_backup_schedule"] else []


def _problems(settings: Settings) -> Iterator[Problem]:
    schedule = settings["waba_backup_schedule"]
    if problem := calendar.problem_of(schedule):
        fix = f"Write minute, hour, day, month and day of the week as for cron, for example '{calendar.EXAMPLE}'"
        yield Problem("waba_backup_schedule", schedule, problem, fix)
    if is_vendor_image(settings["waba_coreapp_image"]):
        problem = (
            f"the vendor's image {settings['waba_coreapp_image']} has no command that reads the state of a database"
        )
        fix = "Leave it out, and back up with the tools of the database server"
        yield Problem("waba_backup_schedule", schedule, problem, fix)
    yield from recipients.problems(settings["waba_backup_recipients"])
    for name, lowest in LOWEST.items():
        if settings[name] < lowest:
            yield Problem(name, settings[name], f"it is below {lowest}", f"Use {lowest} or more")
    for name in ("waba_backup_path", "waba_backup_metrics_path"):
        value = settings[name]
        if (value or name == "waba_backup_path") and not ABSOLUTE.fullmatch(value):
            yield Problem(name, value, "it is not an absolute path without blanks and %", "Let it begin with /")
    command = settings["waba_backup_copy_command"]
    if command and not any(ARCHIVE in part or ARCHIVE_VARIABLE in part for part in command):
        fix = f"Add {ARCHIVE} where the command takes the file, or let it read {ARCHIVE_VARIABLE}"
        yield Problem("waba_backup_copy_command", " ".join(command), "it does not name the archive", fix)


def host_problems(host: str, hosts: Sequence[str], masters: Sequence[str], members: Sequence[str]) -> list[Problem]:
    """Return the problems of waba_backup_host.

    host: its value. hosts, masters: those that run the database, and masters. members: the hosts of a database with several members.
    """
    allowed = list(members) or list(dict.fromkeys([*hosts, *masters]))
    if not host or host in allowed:
        return []
    problem = "it runs no database member" if members else "it runs neither the database nor a master"
    return [Problem("waba_backup_host", host, problem, f"Name one of {', '.join(allowed)}")]


def options(settings: Settings, database: Mapping[str, Any], runs_database: bool) -> dict[str, Any]:
    """Return the options of the module `backup_schedule` for the host that makes backups.

    database: the database of the topology. runs_database: whether its server, or a member, is on this host.
    """
    folder, media = settings["waba_dir"], (settings["waba_volumes"] or {}).get("media")
    account: dict[str, Any] = {
        "name": database["name"],
        "user": settings["waba_database_user"],
        "password_file": f"{folder}/{'mysql.env' if runs_database else 'db.env'}",
    }
    if not runs_database:
        tls = {option: settings[f"waba_database_{option}"] for option in ("tls_ca", "tls_certificate", "tls_key")}
        account.update({"host": database["address"], "port": database["port"]})
        account.update({option: path for option, path in tls.items() if path})
    return {
        "state": "present",
        "cluster_name": settings["waba_cluster_name"],
        "path": folder,
        "schedule": " ".join(settings["waba_backup_schedule"].split()),
        "folder": posixpath.normpath(settings["waba_backup_path"]),
        "recipients": list(settings["waba_backup_recipients"]),
        "keep": settings["waba_backup_keep"],
        "keep_days": settings["waba_backup_keep_days"],
        "copy_command": list(settings["waba_backup_copy_command"]),
        "copy_timeout": settings["waba_backup_copy_timeout"],
        "metrics_folder": settings["waba_backup_metrics_path"],
        "max_age": settings["waba_backup_max_age"],
        "database": account,
        "node_image": settings["waba_coreapp_image"],
        "server_image": settings["waba_mysql_image"],
        **({"media": media} if settings["waba_backup_media"] and media else {}),
    }


def absent(settings: Settings) -> dict[str, Any]:
    """Return the options of the module `backup_schedule` for every other host."""
    return {"state": "absent", "cluster_name": settings["waba_cluster_name"], "path": settings["waba_dir"]}
