# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans how to mount or unmount a share, from the text of fstab and the mounted file systems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Optional

from ansible_collections.waba.cluster.plugins.module_utils._internal.addresses import in_url
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs import fstab
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs.fstab import NO_LINKS, Entry, Mount
from ansible_collections.waba.cluster.plugins.module_utils._internal.paths import normalized
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import InputError, Problem

NFS_TYPES = ("nfs", "nfs4")
DEFAULT_PORT = 2049  # nfs(5)
# Options that the kernel reports under another name, or not at all because they concern mount(8) or systemd only.
ALIASES = {"nfsvers": "vers", "fg": "", "bg": "", "defaults": "", "auto": "", "noauto": "", "nofail": "", "_netdev": ""}
# One option that the kernel reports as several; nfs(5).
EXPANSIONS = {"actimeo": ("acregmin", "acregmax", "acdirmin", "acdirmax")}
EXCLUSIVE = (("hard", "soft", "softerr"), ("rw", "ro"))
NEGOTIATED = ("rsize", "wsize")  # the server may grant less
NAME = re.compile(r"[^\s,:/]+(:[^\s,/]+)?")  # a host name, or an address of IPv4 or IPv6


Ownership = tuple[int, int, int]  # user id, group id, mode
RequestedOwnership = tuple[Optional[int], Optional[int], Optional[int]]  # None leaves the current value


class Plan(NamedTuple):
    """The steps. text: the wanted text of fstab."""

    unmount: bool
    mount: bool
    text: str


def source(server: str, export: str) -> str:
    """Return a share as mount(8) names it: server:/export, with an IPv6 address in brackets."""
    return f"{in_url(server)}:{_without_slash(export)}"


def _without_slash(export: str) -> str:
    return export.rstrip("/") or "/"


def port(options: Iterable[str]) -> int:
    """Return the TCP port of the server, from validated mount options."""
    for option in options:
        if re.fullmatch(r"port=\d+", option):
            return int(option[5:])
    return DEFAULT_PORT


def input_problems(server: str, export: str, path: str, options: Sequence[str], mode: str | None) -> list[Problem]:
    """Return the problems with the settings of a mount."""
    problems = []
    if not NAME.fullmatch(server):
        fix = "Set it to the name or address of the host that exports the share"
        problems.append(Problem("nfs_mount_server", server, "it is not the name or address of a host", fix))
    if not export.startswith("/"):
        fix = "Write the whole path, for example /srv/wamedia"
        problems.append(Problem("nfs_mount_export", export, "it is not an absolute path", fix))
    if not path.startswith("/") or normalized(path) == "/" or "/../" in f"{path}/":
        fix = "Set it to a folder of its own, for example /mnt/wamedia"
        problems.append(Problem("nfs_mount_path", path, "it cannot be a mount point", fix))
    for option in options:
        if re.search(r"[\s,#]", option) or not option:
            fix = "Write one option per entry, for example [nfsvers=4.1, hard]"
            problems.append(Problem("nfs_mount_options", option, "it is not a single mount option", fix))
    if "ro" in options:
        problems.append(Problem("nfs_mount_options", "ro", "the nodes must be able to write media", "Remove it"))
    return problems + mode_problems("nfs_mount_mode", mode)


def mode_problems(variable: str, mode: str | None) -> list[Problem]:
    """Return the problems with a folder's mode."""
    if mode is None or re.fullmatch(r"0?[0-7]{3,4}", mode):
        return []
    return [Problem(variable, mode, "it is not an octal mode", "Write it in quotes, for example '0770'")]


def conflicting_options(options: Sequence[str], mounted: Iterable[str]) -> list[str]:
    """Return the wanted options that the mounted file system does not have.

    options: as in fstab. mounted: as the kernel reports them. An option that the kernel does not report counts as present; a
    change of such an option is found by comparing fstab.
    """
    reported = {name: value for name, _equals, value in (option.partition("=") for option in mounted)}
    conflicting = []
    for option in options:
        name, _equals, value = option.partition("=")
        name = ALIASES.get(name, name)
        if any(not _in_effect(kernel_name, value, reported) for kernel_name in EXPANSIONS.get(name, (name,))):
            conflicting.append(option)
    defaults = [group[0] for group in EXCLUSIVE if not set(group) & set(options)]
    return conflicting + [name for name in defaults if not _in_effect(name, "", reported)]


def _in_effect(name: str, value: str, reported: Mapping[str, str]) -> bool:
    for group in EXCLUSIVE:
        if name in group:
            # A read-only file system can be below a mount that is rw.
            return not any(other in reported for other in group if other != name)
    if name not in reported:
        return True
    if name == "vers":
        return reported[name] == value or reported[name].startswith(f"{value}.")
    if name in NEGOTIATED and value.isdigit() and reported[name].isdigit():
        return int(reported[name]) <= int(value)
    return reported[name] == value


def plan_mounted(wanted: Entry, text: str, mounts: Sequence[Mount], resolved: Mapping[str, str] = NO_LINKS) -> Plan:
    """Return the plan to mount a share. text: of fstab. mounts: those at the path, the topmost last.

    Raises InputError if another file system is mounted, or configured, at the path: a setting must not hide its files.
    """
    known = fstab.entries_of(text, wanted.path, resolved)
    for other, where in [(entry, "in /etc/fstab") for entry in known] + [
        (mount, "mounted there") for mount in mounts[-1:]
    ]:
        if other.fstype not in NFS_TYPES or not _same_share(other.source, wanted.source):
            problem = f"{other.source} ({other.fstype}) is {where}, and {wanted.source} would hide its files"
            fix = "Fix the setting; or copy the files, and set nfs_mount_state to absent once, with the old server and export"
            raise InputError([Problem("nfs_mount_path", wanted.path, problem, fix)])
    options_changed = bool(known) and kernel_options(known[0].options) != kernel_options(wanted.options)
    remount = bool(mounts) and (options_changed or bool(conflicting_options(wanted.options, mounts[-1].options)))
    new_text = text if known == [wanted] else fstab.with_entry(text, wanted.path, wanted, resolved)
    return Plan(remount, remount or not mounts, new_text)


def kernel_options(options: Iterable[str]) -> set[str]:
    """Return the options that reach the kernel, without those that only determine when to mount."""
    return {option for option in options if ALIASES.get(option, option) and not option.startswith("x-")}


def plan_unmounted(
    path: str,
    wanted_source: str | None,
    text: str,
    mounts: Sequence[Mount],
    keep_entry: bool,
    resolved: Mapping[str, str] = NO_LINKS,
) -> Plan:
    """Return the plan to unmount a share and, unless keep_entry, to remove it from fstab.

    wanted_source: the share, or None for any share at the path. Other file systems remain mounted.
    """
    mounted = any(_is_share(mount, wanted_source) for mount in mounts[-1:])
    known = any(_is_share(entry, wanted_source) for entry in fstab.entries_of(text, path, resolved))
    new_text = fstab.with_entry(text, path, None, resolved) if known and not keep_entry else text
    return Plan(mounted, False, new_text)


def _is_share(found: Entry | Mount, wanted_source: str | None) -> bool:
    return found.fstype in NFS_TYPES and (wanted_source is None or _same_share(found.source, wanted_source))


def _same_share(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")


def wanted_ownership(current: Ownership, requested: RequestedOwnership) -> Ownership:
    """Return the ownership that a folder gets."""
    uid, gid, mode = (one if other is None else other for one, other in zip(current, requested))
    return uid, gid, mode


def ownership_text(ownership: Ownership) -> str:
    """Return an ownership as text for a diff."""
    return f"{ownership[0]}:{ownership[1]} {ownership[2]:04o}"


def description(
    text: str, path: str, mounts: Iterable[Mount], ownership: str | None, resolved: Mapping[str, str] = NO_LINKS
) -> str:
    """Return the text of a diff: entries of fstab, mounted file systems, and the folder's owner and mode if known."""
    entries = fstab.entries_of(text, path, resolved)
    lines = [f"/etc/fstab: {entry.line}" for entry in entries] or ["/etc/fstab: nothing"]
    lines += [f"mounted: {mount.source} ({','.join(mount.options)})" for mount in mounts] or ["mounted: nothing"]
    return "\n".join([*lines, *([f"folder: {ownership}"] if ownership else [])]) + "\n"
