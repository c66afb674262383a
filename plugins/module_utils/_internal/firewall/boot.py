# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The systemd unit that restores the rules at boot, before Docker starts.

Docker preserves the rules in DOCKER-USER when it restarts, but the kernel loses them when it boots.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.module_utils._internal.firewall import netfilter

FOLDER = "/etc/waba-firewall"

# Before Docker, so that no port is open in between. PartOf Docker: restarting Docker after "iptables -F" restores these rules too.
UNIT = """[Unit]
Description=Firewall of the cluster {cluster}
After=network-pre.target nftables.service netfilter-persistent.service ufw.service
Before=docker.service
PartOf=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
{commands}

[Install]
WantedBy=multi-user.target docker.service
"""


def rules_path(cluster: str, family: int) -> str:
    """Return the path of the file with a cluster's rules for a family (4 or 6)."""
    return f"{FOLDER}/{cluster}.ipv{family}"


def unit_path(cluster: str) -> str:
    """Return the path of a cluster's unit."""
    return f"/etc/systemd/system/waba-firewall-{cluster}.service"


def files(cluster: str, families: Mapping[int, Mapping[str, Any]]) -> dict[str, str]:
    """Return {path: text} of the files for the next boot: the rules of each family, and the unit.

    families: {4 or 6: {"wanted", "live": tables as in `netfilter`, "command": path of iptables, "restore": of iptables-restore}}.
    """
    mark = f"# {contract.header(cluster)}\n"
    found = {
        rules_path(cluster, family): mark
        + "".join(f"{line}\n" for line in netfilter.boot(cluster, one["wanted"], one["live"]))
        for family, one in families.items()
    }
    lines = [line for family, one in families.items() for line in _commands(cluster, family, one)]
    found[unit_path(cluster)] = mark + UNIT.format(cluster=cluster, commands="\n".join(lines))
    return found


def _commands(cluster: str, family: int, one: Mapping[str, Any]) -> Iterator[str]:
    """Yield the unit's commands for a family. Those with "-" may fail: a chain may exist already, and a jump may not."""
    for chain in netfilter.shared_chains(one["live"]):
        yield f"ExecStartPre=-{one['command']} -w -N {chain}"
    for jump in netfilter.jumps(cluster, one["live"]):
        yield f"ExecStartPre=-{one['command']} -w -D {jump.parent} {jump.rule}"
    yield f"ExecStart={one['restore']} -w --noflush {rules_path(cluster, family)}"
