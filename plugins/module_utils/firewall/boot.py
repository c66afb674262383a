# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The systemd unit that has the rules in force before Docker starts.

Ours: Docker keeps DOCKER-USER when it restarts, but no kernel keeps rules over a boot.
"""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils import contract
from ansible_collections.waba.cluster.plugins.module_utils.firewall import netfilter

FOLDER = "/etc/waba-firewall"


def rules_path(cluster, family):
    """Return the path of the file with a cluster's rules for a family (4 or 6)."""
    return f"{FOLDER}/{cluster}.ipv{family}"


def unit_path(cluster):
    """Return the path of a cluster's unit."""
    return f"/etc/systemd/system/waba-firewall-{cluster}.service"


def files(cluster, families):
    """Return {path: text} of what a boot needs: the rules of every family, and the unit.

    families: {4 or 6: {"wanted", "live" (as in `netfilter`), "command" (path of iptables or ip6tables), "restore" (path of its -restore)}}.
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


# Before Docker, so no port is open for a moment. With it: whoever flushed the tables and restarts Docker for its rules gets ours back too.
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


def _commands(cluster, family, one):
    """Yield the unit's lines for a family; those with a minus may fail, since what they make or take away may be there or not."""
    for chain in netfilter.shared(one["live"]):
        yield f"ExecStartPre=-{one['command']} -w -N {chain}"
    for jump in netfilter.jumps(cluster, one["live"]):
        yield f"ExecStartPre=-{one['command']} -w -D {jump.parent} -j {jump.child}"
    yield f"ExecStart={one['restore']} -w --noflush {rules_path(cluster, family)}"
