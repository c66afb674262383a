# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host's packet filter: read and changed by iptables itself, and made to survive a boot by systemd."""

from __future__ import annotations

import os
import re
import shutil

from ansible_collections.waba.cluster.plugins.module_utils import contract
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.firewall import boot as firewall_boot
from ansible_collections.waba.cluster.plugins.module_utils.firewall import netfilter
from ansible_collections.waba.cluster.plugins.module_utils.io import files

TOOLS = {4: "iptables", 6: "ip6tables"}
FILE_MODE = 0o644
DOCKERS_BRIDGE = re.compile(r"br-[0-9a-f]{12}")
INTERFACES = "/sys/class/net"


class Filter:
    """The table `filter` of one family. run_command: AnsibleModule.run_command."""

    def __init__(self, family, run_command):
        self.family, self.run_command = family, run_command
        self.command = _program(TOOLS[family])
        self.save, self.restore = (_program(f"{TOOLS[family]}-{verb}") for verb in ("save", "restore"))

    def read(self):
        """Return the table as `firewall.netfilter.parse` does, or None where the kernel has no IPv6. Raises HostError."""
        status, out, error = self.run_command([self.save, "-t", "filter"])
        if status != 0 and self.family == 4:
            raise HostError(f"{self.save} cannot read the rules of this host: {(error or out).strip()}")
        return netfilter.parse(out) if status == 0 else None

    def change(self, lines):
        """Carry out lines (list of str), all or none. Raises HostError."""
        text = "".join(f"{line}\n" for line in lines)
        status, out, error = self.run_command([self.restore, "-w", "10", "--noflush"], data=text)
        if status != 0:
            raise HostError(f"{self.restore} refused the rules, and changed nothing: {(error or out).strip()}")


def filters(run_command):
    """Return {4 or 6: Filter} of the families that this host has; none where iptables is not installed."""
    return {
        family: Filter(family, run_command)
        for family, name in TOOLS.items()
        if _program(f"{name}-save") and (family == 4 or os.path.exists("/proc/net/if_inet6"))
    }


def _program(name):
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")


def foreign_bridges():
    """Return the names (sorted list of str) of interfaces that are called like Docker's bridges and are somebody else's."""
    names = os.listdir(INTERFACES) if os.path.isdir(INTERFACES) else []
    return sorted(name for name in names if name.startswith("br-") and not DOCKERS_BRIDGE.fullmatch(name))


def has_systemd():
    """Return whether systemd runs this host."""
    return os.path.isdir("/run/systemd/system")


def is_kept(cluster):
    """Return whether rules of a cluster were made on this host, and not taken away since."""
    return os.path.exists(firewall_boot.rules_path(cluster, 4))


def ours(cluster):
    """Return {path: text} of what is there for the next boot. Raises HostError."""
    found = {path: files.read(path) for path in _paths(cluster)}
    return {path: state[0] for path, state in found.items() if state and contract.is_ours(state[0], cluster)}


def _paths(cluster):
    return [*(firewall_boot.rules_path(cluster, family) for family in TOOLS), firewall_boot.unit_path(cluster)]


def keep(cluster, texts, run_command):
    """Write what the next boot needs: {path: text}, and have it used. Files of ours that are no longer among them go. Raises HostError."""
    before = ours(cluster)
    os.makedirs(firewall_boot.FOLDER, exist_ok=True)
    for path in [*(before.keys() - texts.keys()), *files.left_beside(_paths(cluster))]:
        files.remove(path)
    for path, text in texts.items():
        if before.get(path) != text:
            files.write(path, text, FILE_MODE)
    if has_systemd():
        _systemctl(run_command, "daemon-reload")
        _systemctl(run_command, "enable", "--quiet", os.path.basename(firewall_boot.unit_path(cluster)))


def forget(cluster, run_command):
    """Have the next boot know nothing of a cluster. Raises HostError."""
    unit = os.path.basename(firewall_boot.unit_path(cluster))
    if has_systemd() and firewall_boot.unit_path(cluster) in ours(cluster):
        _systemctl(run_command, "disable", "--now", "--quiet", unit)
    for path in [*ours(cluster), *files.left_beside(_paths(cluster))]:
        files.remove(path)
    files.remove_folder_if_empty(firewall_boot.FOLDER)
    if has_systemd():
        _systemctl(run_command, "daemon-reload")


def is_enabled(cluster, run_command):
    """Return whether the next boot brings the rules back; a host without systemd has nothing that could."""
    unit = os.path.basename(firewall_boot.unit_path(cluster))
    return not has_systemd() or run_command([_program("systemctl"), "is-enabled", "--quiet", unit])[0] == 0


def _systemctl(run_command, *arguments):
    status, out, error = run_command([_program("systemctl"), *arguments])
    if status != 0:
        raise HostError(f"systemctl {' '.join(arguments)} failed: {(error or out).strip()}")
