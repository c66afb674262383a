# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an NFS server exports to whom, against what it exports now (source: exports(5); the rule to touch our folder alone is ours)."""

from __future__ import annotations

import re

from ansible_collections.waba.cluster.plugins.module_utils.nfs.fstab import escaped, unescaped
from ansible_collections.waba.cluster.plugins.module_utils.nfs.mount import mode_problems
from ansible_collections.waba.cluster.plugins.module_utils.paths import cleaned
from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem

CLIENT = re.compile(r"([^\s()]+)\(([^()]*)\)")
FOLDER = re.compile(r'"([^"]*)"|(\S+)')
# Of each pair one holds; the first where neither is asked for.
PAIRS = (
    ("ro", "rw"),
    ("secure", "insecure"),
    ("root_squash", "no_root_squash"),
    ("no_all_squash", "all_squash"),
    ("sync", "async"),
    ("wdelay", "no_wdelay"),
    ("hide", "nohide"),
    ("nocrossmnt", "crossmnt"),
    ("no_subtree_check", "subtree_check"),
    ("secure_locks", "insecure_locks"),
    ("acl", "no_acl"),
    ("no_pnfs", "pnfs"),
)
PAIR_OF = {option: pair[0] for pair in PAIRS for option in pair}
BY_FLAVOUR = tuple(pair[0] for pair in PAIRS[:4])  # which may hold for one sec= and not for another
ALIASES = {"auth_nlm": "secure_locks", "no_auth_nlm": "insecure_locks"}


def input_problems(path, clients, options, mode):
    """Return what is wrong with the settings themselves (list of Problem). path: str; clients, options: lists of str; mode: str or None."""
    problems = []
    if not path.startswith("/") or cleaned(path) == "/":
        problems.append(Problem("nfs_server_export", path, "it is no folder to export", "Give one, as in /srv/wamedia"))
    for client in clients:
        if not client or re.search(r"[\s()]", client):
            fix = "Give a host's name or address, or a network as in 10.0.0.0/24"
            problems.append(Problem("nfs_server_clients", client, "it is no host and no network", fix))
        elif client == "*":
            problems.append(
                Problem("nfs_server_clients", client, "everybody could read and write there", "Name the hosts")
            )
    for option in options:
        if not option or re.search(r"[\s,()]", option):
            fix = "Write one option an entry, as in [rw, sync]"
            problems.append(Problem("nfs_server_options", option, "it is not one option of exports(5)", fix))
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


def exported_elsewhere(path, texts):
    """Return a Problem for each exports file that exports a folder too. texts: {name of the file: its text}, those that are not ours."""
    fix = "Take it out of that file, or export another folder: who may use one folder can be told in one file alone"
    return [
        Problem("nfs_server_export", path, f"{file} exports it too", fix)
        for file, text in sorted(texts.items())
        if path in _folders(text)
    ]


def _folders(text):
    lines = [line.strip() for line in text.replace("\\\n", " ").splitlines()]
    fields = [FOLDER.match(line) for line in lines if line and not line.startswith("#")]
    return {cleaned(unescaped(field[1] or field[2] or "")) for field in fields if field}


def in_force(options):
    """Return what options come to: ({pair: the one of it that holds}, {flavour of sec=: the same}). Pairs go by their default.

    options: list of str, as asked for, or as the server's table has them. What follows a sec= holds for its flavours alone.
    """
    general, flavours, active = {default: default for default, _other in PAIRS}, {}, []
    for option in (ALIASES.get(option, option) for option in options):
        pair = PAIR_OF.get(option)
        if option.startswith("sec="):
            active = option[4:].split(":")
            for flavour in active:
                flavours.setdefault(flavour, {name: general[name] for name in BY_FLAVOUR})
        elif pair:
            general[pair] = option
            for flavour in active if pair in BY_FLAVOUR else []:
                flavours[flavour][pair] = option
    flavours = flavours or {"sys": {name: general[name] for name in BY_FLAVOUR}}
    return {name: option for name, option in general.items() if name not in BY_FLAVOUR}, flavours


def plan(clients, options, found):
    """Return (clients to export to, clients to export to no more), each a sorted list of str.

    found: as from exported(). The table names every option that holds, those by default too; what it names and nobody knows here is no difference.
    """
    late = sorted(client for client in clients if client not in found or not _holds(options, found[client]))
    return late, sorted(set(found) - set(clients))


def _holds(options, found):
    others = {
        option for option in options if ALIASES.get(option, option) not in PAIR_OF and not option.startswith("sec=")
    }
    return others <= set(found) and in_force(options) == in_force(found)


def described(path, found, options_of):
    """Return the lines of a diff: one a client, sorted. options_of: function from a client to its options (list of str)."""
    return "".join(f"{path} {client}({','.join(options_of(client))})\n" for client in sorted(found))
