# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What to do so that a share is mounted as wanted, or not at all, given what fstab says and what is mounted (rules: ours)."""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils.nfs import fstab
from ansible_collections.waba.cluster.plugins.module_utils.paths import cleaned
from ansible_collections.waba.cluster.plugins.module_utils.problems import InputError, Problem

NFS_TYPES = ("nfs", "nfs4")
DEFAULT_PORT = 2049  # nfs(5)
ALIASES = {"nfsvers": "vers", "fg": "", "bg": "", "defaults": "", "auto": "", "noauto": "", "nofail": "", "_netdev": ""}
# One option stands for four in what the kernel tells (nfs(5)).
SPREAD = {"actimeo": ("acregmin", "acregmax", "acdirmin", "acdirmax")}
EXCLUSIVE = (("hard", "soft", "softerr"), ("rw", "ro"))
NEGOTIATED = ("rsize", "wsize")  # the server may grant less
NAME = re.compile(r"[^\s,:/]+(:[^\s,/]+)?")  # a host name, or an address of IPv4 or IPv6


class Plan(NamedTuple):
    """unmount, mount: bool. text: fstab's text as it shall be. entry: the fstab.Entry to mount, or None."""

    unmount: bool
    mount: bool
    text: str
    entry: object


def source(server, export):
    """Return what mount(8) calls a share: server:/export, an IPv6 address in brackets."""
    return f"[{server}]:{_plain(export)}" if ":" in server else f"{server}:{_plain(export)}"


def _plain(export):
    return export.rstrip("/") or "/"


def port(options):
    """Return the TCP port at which the server answers, of a checked list of options."""
    for option in options:
        if re.fullmatch(r"port=\d+", option):
            return int(option[5:])
    return DEFAULT_PORT


def input_problems(server, export, path, options, mode):
    """Return what is wrong with the settings themselves (list of Problem). All str, options a list of str, mode str or None."""
    problems = []
    if not NAME.fullmatch(server):
        fix = "Name the host that exports the share, by name or address"
        problems.append(Problem("nfs_mount_server", server, "it is no name or address of a host", fix))
    if not export.startswith("/"):
        fix = "Give the whole path, as in /srv/wamedia"
        problems.append(Problem("nfs_mount_export", export, "it is no absolute path", fix))
    if not path.startswith("/") or cleaned(path) == "/" or "/../" in f"{path}/":
        fix = "Give a folder of its own, as in /mnt/wamedia"
        problems.append(Problem("nfs_mount_path", path, "nothing can be mounted there", fix))
    for option in options:
        if re.search(r"[\s,#]", option) or not option:
            fix = "Write one option an entry, as in [nfsvers=4.1, hard]"
            problems.append(Problem("nfs_mount_options", option, "it is not one option of mount", fix))
    if "ro" in options:
        fix = "Leave it out"
        problems.append(Problem("nfs_mount_options", "ro", "the nodes must be able to write their media", fix))
    return problems + mode_problems("nfs_mount_mode", mode)


def mode_problems(variable, mode):
    """Return what is wrong with a folder's mode (list of Problem). variable: str. mode: str or None."""
    if mode is None or re.fullmatch(r"0?[0-7]{3,4}", mode):
        return []
    return [Problem(variable, mode, "it is no octal mode", "Write it in quotes, as in '0770'")]


def contradicted(options, mounted):
    """Return the wanted options (list of str) that what is mounted does not have.

    options: list of str, as in fstab. mounted: list of str, as the kernel tells them. An option of which the kernel tells nothing
    counts as kept; that fstab holds another one shows its change.
    """
    told = {name: value for name, _equals, value in (option.partition("=") for option in mounted)}
    wrong = []
    for option in options:
        name, _equals, value = option.partition("=")
        name = ALIASES.get(name, name)
        if any(not _kept(kernel_name, value, told) for kernel_name in SPREAD.get(name, (name,))):
            wrong.append(option)
    defaults = [group[0] for group in EXCLUSIVE if not set(group) & set(options)]
    return wrong + [name for name in defaults if not _kept(name, "", told)]


def _kept(name, value, told):
    for group in EXCLUSIVE:
        if name in group:
            # A read-only file system may lie below a mount that says rw.
            return not any(other in told for other in group if other != name)
    if name not in told:
        return True
    if name == "vers":
        return told[name] == value or told[name].startswith(f"{value}.")
    if name in NEGOTIATED and value.isdigit() and told[name].isdigit():
        return int(told[name]) <= int(value)
    return told[name] == value


def plan_mounted(wanted, text, mounts):
    """Return the Plan that gets a share mounted. wanted: fstab.Entry. text: fstab's. mounts: list of fstab.Mount at the path, top last.

    Raises InputError where something else is mounted, or meant to be, at the path: its data must not go out of sight by a setting.
    """
    for other, where in [(entry, "in /etc/fstab") for entry in fstab.entries_of(text, wanted.path)] + [
        (mount, "mounted there") for mount in mounts[-1:]
    ]:
        if other.fstype not in NFS_TYPES or not _same(other.source, wanted.source):
            problem = f"{other.source} ({other.fstype}) is {where}, and {wanted.source} would hide what it holds"
            fix = "Fix the setting, or copy the data and set nfs_mount_state to absent once, with the former server and export"
            raise InputError([Problem("nfs_mount_path", wanted.path, problem, fix)])
    changed = fstab.entries_of(text, wanted.path) != [wanted]
    if not mounts:
        again = False
    else:
        known = fstab.entries_of(text, wanted.path)
        mounted_otherwise = bool(known) and effective(known[0].options) != effective(wanted.options)
        again = mounted_otherwise or bool(contradicted(wanted.options, mounts[-1].options))
    new_text = fstab.with_entry(text, wanted.path, wanted) if changed else text
    return Plan(again, again or not mounts, new_text, wanted)


def effective(options):
    """Return the options (set of str) that reach the kernel: those that only tell when to mount change nothing in what is mounted."""
    return {option for option in options if ALIASES.get(option, option) and not option.startswith("x-")}


def plan_unmounted(path, wanted_source, text, mounts, keep_entry):
    """Return the Plan that gets a share unmounted, and out of fstab unless keep_entry. Somebody else's mount at the path stays.

    wanted_source: str, or None for whatever share is there.
    """
    ours = [mount for mount in mounts[-1:] if _ours(mount, wanted_source)]
    known = [entry for entry in fstab.entries_of(text, path) if _ours(entry, wanted_source)]
    return Plan(bool(ours), False, fstab.with_entry(text, path, None) if known and not keep_entry else text, None)


def _ours(thing, wanted_source):
    return thing.fstype in NFS_TYPES and (wanted_source is None or _same(thing.source, wanted_source))


def _same(one, other):
    return one.rstrip("/") == other.rstrip("/")


def folder_to_be(seen, wanted):
    """Return (user id, group id, mode) that a folder shall have, given what it has, and what is wanted: None leaves as it is."""
    return tuple(one if other is None else other for one, other in zip(seen, wanted))


def folder_described(folder):
    """Return how a diff tells (user id, group id, mode) of a folder (str)."""
    return f"{folder[0]}:{folder[1]} {folder[2]:04o}"


def described(text, path, mounts, folder):
    """Return the lines for a diff: fstab's, what is mounted, and whose folder it is. folder: "owner:group mode", or None."""
    lines = [f"/etc/fstab: {entry.line}" for entry in fstab.entries_of(text, path)] or ["/etc/fstab: nothing"]
    lines += [f"mounted: {mount.source} ({','.join(mount.options)})" for mount in mounts] or ["mounted: nothing"]
    return "\n".join([*lines, *([f"folder: {folder}"] if folder else [])]) + "\n"
