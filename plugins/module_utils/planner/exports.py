# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an NFS server exports to whom, against what it exports now (source: exports(5); the rule to touch our folder alone is ours)."""

from __future__ import annotations

import re

from ansible_collections.waba.cluster.plugins.module_utils.planner.fstab import escaped, unescaped
from ansible_collections.waba.cluster.plugins.module_utils.planner.nfs_share import mode_problems
from ansible_collections.waba.cluster.plugins.module_utils.planner.paths import cleaned
from ansible_collections.waba.cluster.plugins.module_utils.planner.problems import Problem

CLIENT = re.compile(r"([^\s()]+)\(([^()]*)\)")


def input_problems(path, clients, options, mode):
    """Return what is wrong with the settings themselves (list of Problem). path: str; clients, options: lists of str; mode: str or None."""
    problems = []
    if not path.startswith("/") or cleaned(path) == "/":
        problems.append(Problem("nfs_server_export", path, "it is no folder to export", "Give one, as in /srv/wamedia"))
    for client in clients:
        if not client or re.search(r"[\s()]", client):
            mend = "Give a host's name or address, or a network as in 10.0.0.0/24"
            problems.append(Problem("nfs_server_clients", client, "it is no host and no network", mend))
        elif client == "*":
            problems.append(
                Problem("nfs_server_clients", client, "everybody could read and write there", "Name the hosts")
            )
    for option in options:
        if not option or re.search(r"[\s,()]", option):
            mend = "Write one option an entry, as in [rw, sync]"
            problems.append(Problem("nfs_server_options", option, "it is not one option of exports(5)", mend))
    return problems + mode_problems("nfs_server_mode", mode)


def render(path, clients, options, header):
    """Return the text of an exports file (str), for one folder. clients: list of str, in the order given. header: str, one line."""
    listed = " ".join(f"{client}({','.join(options)})" for client in clients)
    return f"# {header}\n{escaped(path)} {listed}\n"


def exported(etab, path):
    """Return {client: its options (list of str)} of a folder. etab: the text of /var/lib/nfs/etab, which has one client a line."""
    found = {}
    for line in etab.splitlines():
        folder, _blank, rest = line.partition("\t") if "\t" in line else line.partition(" ")
        if unescaped(folder.strip()) == path:
            found.update({client: options.split(",") for client, options in CLIENT.findall(rest)})
    return found


def plan(clients, options, found):
    """Return (clients to export to, clients to export to no more), each a sorted list of str.

    found: as from exported(). The table names every option that holds, those by default too.
    """
    late = sorted(client for client in clients if not set(options) <= set(found.get(client, ())))
    return late, sorted(set(found) - set(clients))


def described(path, found, options_of):
    """Return the lines of a diff: one a client, sorted. options_of: function from a client to its options (list of str)."""
    return "".join(f"{path} {client}({','.join(options_of(client))})\n" for client in sorted(found))
