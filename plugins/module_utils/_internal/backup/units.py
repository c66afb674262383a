# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files that make a host back up by itself: the units of systemd, or the entry of cron. Pure."""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup import calendar

PROGRAM = "scheduled-backup.pyz"
CONFIGURATION = "scheduled-backup.json"

SERVICE = """[Unit]
Description=Backup of the cluster {cluster}
After=docker.service network-online.target
Wants=network-online.target

[Service]
Type=oneshot
User=root
UMask=0077
Nice=10
IOSchedulingClass=idle
PrivateTmp=yes
ExecStart={command}
"""

# A run that was missed while the host was down is made up for.
TIMER = """[Unit]
Description=Schedule of the backups of the cluster {cluster}

[Timer]
OnCalendar={calendar}
Persistent=true
AccuracySec=1min

[Install]
WantedBy=timers.target
"""


def unit_name(cluster: str) -> str:
    """Return the name of a cluster's units and of its file for cron."""
    return f"waba-backup-{cluster}"


def paths(cluster: str) -> dict[str, str]:
    """Return {"service", "timer", "cron"}: the paths of the files, of which a host has some."""
    name = unit_name(cluster)
    systemd = {kind: f"/etc/systemd/system/{name}.{kind}" for kind in ("service", "timer")}
    return {**systemd, "cron": f"/etc/cron.d/{name}"}


def texts(cluster: str, schedule: str, python: str, folder: str, systemd: bool) -> dict[str, str]:
    """Return {path: text} of the files for a host with systemd, or for one with cron. folder: of the program."""
    command = f"{python} -I {folder}/{PROGRAM} {folder}/{CONFIGURATION}"
    mark, path = f"# {contract.header(cluster)}\n", paths(cluster)
    if not systemd:
        # Its output goes to syslog, not into mails.
        return {path["cron"]: f"{mark}{schedule} root {command} --syslog\n"}
    return {
        path["service"]: mark + SERVICE.format(cluster=cluster, command=command),
        path["timer"]: mark + TIMER.format(cluster=cluster, calendar=calendar.systemd_calendar(schedule)),
    }
