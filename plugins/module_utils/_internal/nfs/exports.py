# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compares the wanted exports of one folder with the exports of a running NFS server. See exports(5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs.fstab import escaped, unescaped
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs.mount import mode_problems
from ansible_collections.waba.cluster.plugins.module_utils._internal.paths import normalized
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

CLIENT = re.compile(r"([^\s()]+)\(([^()]*)\)")
FOLDER = re.compile(r'"([^"]*)"|(\S+)')
# Exclusive options; the first of each group is the default.
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
PER_FLAVOUR = tuple(pair[0] for pair in PAIRS[:4])  # may differ between the flavours of sec=
ALIASES = {"auth_nlm": "secure_locks", "no_auth_nlm": "insecure_locks"}


def input_problems(path: str, clients: Iterable[str], options: Iterable[str], mode: str | None) -> list[Problem]:
    """Return the problems with the settings of an export."""
    problems = []
    if not path.startswith("/") or normalized(path) == "/":
        fix = "Set it to a folder, for example /srv/wamedia"
        problems.append(Problem("nfs_server_export", path, "it is not a folder that can be exported", fix))
    for client in clients:
        if not client or re.search(r"[\s()]", client):
            fix = "Set it to a host's name or address, or to a network such as 10.0.0.0/24"
            problems.append(Problem("nfs_server_clients", client, "it is neither a host nor a network", fix))
        elif client == "*":
            problem = "every host that can reach the server could read and write there"
            problems.append(Problem("nfs_server_clients", client, problem, "Name the hosts"))
    for option in options:
        if not option or re.search(r"[\s,()]", option):
            fix = "Write one option per entry, for example [rw, sync]"
            problems.append(Problem("nfs_server_options", option, "it is not a single option of exports(5)", fix))
    return problems + mode_problems("nfs_server_mode", mode)


def link_problems(path: str, resolved: str) -> list[Problem]:
    """Return the problem with a folder that is a symbolic link, or below one. resolved: the path without symbolic links."""
    if normalized(path) == resolved:
        return []
    problem = f"it is a symbolic link to {resolved}, and clients cannot mount it under this name"
    fix = f"Set nfs_server_export and nfs_mount_export to {resolved}"
    return [Problem("nfs_server_export", path, problem, fix)]


def render(path: str, clients: Iterable[str], options: Iterable[str], header: str) -> str:
    """Return the text of an exports file for one folder. header: one line without the leading "#"."""
    listed = " ".join(f"{client}({','.join(options)})" for client in clients)
    return f"# {header}\n{escaped(path)} {listed}\n"


def current_exports(etab: str, path: str) -> dict[str, list[str]]:
    """Return {client: options} of a folder from the text of /var/lib/nfs/etab, which has one client per line."""
    found: dict[str, list[str]] = {}
    for line in etab.splitlines():
        folder, _blank, rest = line.partition("\t") if "\t" in line else line.partition(" ")
        if unescaped(folder.strip()) == path:
            found.update({client: options.split(",") for client, options in CLIENT.findall(rest)})
    return found


def exported_elsewhere(path: str, texts: Mapping[str, str]) -> list[Problem]:
    """Return a problem for each exports file that also exports a folder. texts: {file: text} without the file of this cluster."""
    fix = "Remove it from that file, or export another folder: only one file can determine the clients of a folder"
    return [
        Problem("nfs_server_export", path, f"{file} exports it too", fix)
        for file, text in sorted(texts.items())
        if path in _folders(text)
    ]


def _folders(text: str) -> set[str]:
    lines = [line.strip() for line in text.replace("\\\n", " ").splitlines()]
    fields = [FOLDER.match(line) for line in lines if line and not line.startswith("#")]
    return {normalized(unescaped(field[1] or field[2] or "")) for field in fields if field}


def effect(options: Iterable[str]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return the effect of options: ({pair: option in effect}, {flavour of sec=: the same for PER_FLAVOUR}).

    options: as configured, or as the server's table lists them. Options after sec= apply to its flavours only.
    """
    general: dict[str, str] = {default: default for default, _other in PAIRS}
    flavours: dict[str, dict[str, str]] = {}
    active: list[str] = []
    for option in (ALIASES.get(option, option) for option in options):
        pair = PAIR_OF.get(option)
        if option.startswith("sec="):
            active = option[4:].split(":")
            for flavour in active:
                flavours.setdefault(flavour, {name: general[name] for name in PER_FLAVOUR})
        elif pair:
            general[pair] = option
            for flavour in active if pair in PER_FLAVOUR else []:
                flavours[flavour][pair] = option
    flavours = flavours or {"sys": {name: general[name] for name in PER_FLAVOUR}}
    return {name: option for name, option in general.items() if name not in PER_FLAVOUR}, flavours


def plan(
    clients: Iterable[str], options: Iterable[str], current: Mapping[str, list[str]]
) -> tuple[list[str], list[str]]:
    """Return (clients to export to, clients to remove), both sorted.

    current: from current_exports(). The table lists defaults too. An option in it that this collection does not know is ignored.
    """
    missing = sorted(client for client in clients if client not in current or not _in_effect(options, current[client]))
    return missing, sorted(set(current) - set(clients))


def _in_effect(options: Iterable[str], current: list[str]) -> bool:
    others = {
        option for option in options if ALIASES.get(option, option) not in PAIR_OF and not option.startswith("sec=")
    }
    return others <= set(current) and effect(options) == effect(current)


def description(path: str, clients: Iterable[str], options_of: Callable[[str], list[str]]) -> str:
    """Return the text of a diff: one line per client, sorted."""
    return "".join(f"{path} {client}({','.join(options_of(client))})\n" for client in sorted(clients))
