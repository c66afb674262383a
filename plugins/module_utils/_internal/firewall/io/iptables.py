# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The packet filter of a host: read and changed with iptables, and restored at boot by systemd."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence

from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.firewall import boot, netfilter
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.subprocess_timeout import RunCommand

PROGRAMS = {4: "iptables", 6: "ip6tables"}
FILE_MODE = 0o644
DOCKER_BRIDGE = re.compile(r"br-[0-9a-f]{12}")
INTERFACES = "/sys/class/net"


class Filter:
    """The table `filter` of one family. run_command: AnsibleModule.run_command. Methods raise HostError."""

    def __init__(self, family: int, run_command: RunCommand) -> None:
        self.family, self.run_command = family, run_command
        self.command = _program(PROGRAMS[family])
        self.save, self.restore = (_program(f"{PROGRAMS[family]}-{action}") for action in ("save", "restore"))

    def read(self) -> dict[str, list[str]] | None:
        """Return the table, see `netfilter.parse`, or None if the kernel has no IPv6."""
        status, output, errors = self.run_command([self.save, "-t", "filter"])
        if status != 0 and self.family == 4:
            raise HostError(f"{self.save} cannot read the rules of this host: {(errors or output).strip()}")
        return netfilter.parse(output) if status == 0 else None

    def change(self, lines: Sequence[str]) -> None:
        """Apply the input of iptables-restore: all lines or none."""
        text = "".join(f"{line}\n" for line in lines)
        status, output, errors = self.run_command([self.restore, "-w", "10", "--noflush"], data=text)
        if status != 0:
            raise HostError(f"{self.restore} refused the rules and changed nothing: {(errors or output).strip()}")


def filters(run_command: RunCommand) -> dict[int, Filter]:
    """Return {4 or 6: Filter} of the families that this host has; {} if iptables is not installed."""
    return {
        family: Filter(family, run_command)
        for family, name in PROGRAMS.items()
        if _program(f"{name}-save") and (family == 4 or os.path.exists("/proc/net/if_inet6"))
    }


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")


def foreign_bridges() -> list[str]:
    """Return the interfaces, sorted, that are named like Docker's bridges but belong to another program."""
    names = os.listdir(INTERFACES) if os.path.isdir(INTERFACES) else []
    return sorted(name for name in names if name.startswith("br-") and not DOCKER_BRIDGE.fullmatch(name))


def has_systemd() -> bool:
    """Return whether systemd is the service manager of this host."""
    return os.path.isdir("/run/systemd/system")


def has_rules(cluster: str) -> bool:
    """Return whether rules of a cluster are configured on this host."""
    return os.path.exists(boot.rules_path(cluster, 4))


def boot_files(cluster: str) -> dict[str, str]:
    """Return {path: text} of the cluster's files for the next boot. Raises HostError."""
    found = {path: files.read(path) for path in _paths(cluster)}
    return {path: state[0] for path, state in found.items() if state and contract.is_managed(state[0], cluster)}


def _paths(cluster: str) -> list[str]:
    return [*(boot.rules_path(cluster, family) for family in PROGRAMS), boot.unit_path(cluster)]


def write_boot_files(cluster: str, texts: Mapping[str, str], run_command: RunCommand) -> None:
    """Write the files for the next boot, {path: text}, remove the cluster's others, and enable the unit. Raises HostError."""
    before = boot_files(cluster)
    os.makedirs(boot.FOLDER, exist_ok=True)
    for path in [*(before.keys() - texts.keys()), *files.leftovers(_paths(cluster))]:
        files.remove(path)
    for path, text in texts.items():
        if before.get(path) != text:
            files.write(path, text, FILE_MODE)
    if has_systemd():
        _systemctl(run_command, "daemon-reload")
        _systemctl(run_command, "enable", "--quiet", os.path.basename(boot.unit_path(cluster)))


def remove_boot_files(cluster: str, run_command: RunCommand) -> None:
    """Disable the unit and remove the cluster's files. Raises HostError."""
    unit = os.path.basename(boot.unit_path(cluster))
    if has_systemd() and boot.unit_path(cluster) in boot_files(cluster):
        _systemctl(run_command, "disable", "--now", "--quiet", unit)
    for path in [*boot_files(cluster), *files.leftovers(_paths(cluster))]:
        files.remove(path)
    files.remove_empty_folder(boot.FOLDER)
    if has_systemd():
        _systemctl(run_command, "daemon-reload")


def is_enabled(cluster: str, run_command: RunCommand) -> bool:
    """Return whether the rules are restored at boot. True without systemd, where that is not possible."""
    unit = os.path.basename(boot.unit_path(cluster))
    return not has_systemd() or run_command([_program("systemctl"), "is-enabled", "--quiet", unit])[0] == 0


def _systemctl(run_command: RunCommand, *arguments: str) -> None:
    status, output, errors = run_command([_program("systemctl"), *arguments])
    if status != 0:
        raise HostError(f"systemctl {' '.join(arguments)} failed: {(errors or output).strip()}")
