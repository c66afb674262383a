# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mounts and inspects shares. What accesses a share runs in a subprocess with a timeout, because its server may not answer."""

from __future__ import annotations

import errno
import grp
import os
import posixpath
import pwd
import shutil
import stat
from collections.abc import Container, Iterable
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files, subprocess_timeout
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.subprocess_timeout import RunCommand, TimedOut
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs import fstab
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs.mount import Ownership, RequestedOwnership
from ansible_collections.waba.cluster.plugins.module_utils._internal.paths import normalized

FSTAB = "/etc/fstab"
FSTAB_MODE = 0o644
MOUNTINFO = "/proc/self/mountinfo"
SYSTEMCTL_TIMEOUT = 60  # seconds
MOST_LINKS = 40  # as in the kernel
MEANINGS = {  # of an error that an operation on a share raises
    errno.EROFS: "the export is read-only",
    errno.ESTALE: "its handle is stale: the server no longer exports the mounted folder",
    errno.EACCES: "the server denies access to root of this host (root_squash), or the mode of the folder does",
    errno.EPERM: "the server denies this to root of this host (root_squash)",
    errno.ENOSPC: "the share is full",
    errno.EDQUOT: "the share is full",
}


def has_client() -> bool:
    """Return whether this host can mount NFS shares."""
    return _has("mount.nfs")


def has_server() -> bool:
    """Return whether this host can export folders by NFS."""
    return _has("exportfs")


def _has(command: str) -> bool:
    return bool(shutil.which(command, path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin"))


def read_fstab() -> tuple[str, int]:
    """Return (text, mode) of fstab; an empty text if the file does not exist. Raises HostError."""
    found = files.read(FSTAB)
    return (found[0], found[1]) if found else ("", FSTAB_MODE)


def write_fstab(run_command: RunCommand, text: str, mode: int) -> None:
    """Write fstab, and let systemd reload it. Raises HostError."""
    files.write(os.path.realpath(FSTAB), text, mode)
    if os.path.isdir("/run/systemd/system"):
        subprocess_timeout.run(run_command, ["systemctl", "daemon-reload"], SYSTEMCTL_TIMEOUT)


def read_mounts() -> dict[str, list[fstab.Mount]]:
    """Return {mount point: what is mounted there, the topmost last}. Accesses no share."""
    with open(MOUNTINFO, encoding="utf-8", errors="surrogateescape") as file:
        return fstab.mounts_by_path(file.read())


def resolve(path: str, mount_points: Container[str]) -> str:
    """Return a path without symbolic links, as the kernel resolves it. A path that does not exist is resolved as far as possible.

    Never accesses a mount point, since a share whose server is gone does not answer. Raises OSError for a loop.
    """
    current, parts, links = "/", path.split("/"), 0
    while parts:
        part = parts.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            current = posixpath.dirname(current)
            continue
        step = posixpath.join(current, part)
        target = None if step in mount_points else _link_target(step)
        if target is None:
            current = step
            continue
        links += 1
        if links > MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        parts = [*target.split("/"), *parts]
        current = "/" if target.startswith("/") else current
    return current


def _link_target(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError:
        return None


def resolve_all(paths: Iterable[str], mount_points: Container[str], timeout: float) -> dict[str, str]:
    """Return {path: resolved path}. Paths that cannot be resolved are only normalized."""
    paths = list(paths)
    try:
        return subprocess_timeout.call(_resolve_each, paths, mount_points, timeout=timeout)
    except TimedOut:
        return {path: normalized(path) for path in paths}


def _resolve_each(paths: Iterable[str], mount_points: Container[str]) -> dict[str, str]:
    resolved = {}
    for path in paths:
        try:
            resolved[path] = resolve(path, mount_points)
        except OSError:
            resolved[path] = normalized(path)
    return resolved


def has_content(path: str) -> bool:
    """Return whether a folder has content that a mount there would hide. It must not be a mount point."""
    return os.path.isdir(path) and bool(os.listdir(path))


def mount(run_command: RunCommand, entry: fstab.Entry, timeout: float) -> None:
    """Mount a share. Its folder is created if it does not exist. Raises HostError with the message of mount(8)."""
    try:
        os.makedirs(entry.path, exist_ok=True)
    except OSError as error:
        raise HostError(f"Cannot create the folder {entry.path}: {error.strerror}.") from error
    options = ",".join([*entry.options, "retry=0"])
    command = ["mount", "-t", entry.fstype, "-o", options, entry.source, entry.path]
    status, output = subprocess_timeout.run(run_command, command, timeout)
    if status != 0:
        raise HostError(f"{entry.source} cannot be mounted: {_sentence(output)}")


def unmount(run_command: RunCommand, path: str, timeout: float) -> None:
    """Unmount the topmost file system at a path. Raises HostError."""
    try:
        status, output = subprocess_timeout.run(run_command, ["umount", path], timeout)
    except TimedOut as error:
        raise HostError(
            f"{path} cannot be unmounted: {error}. Its server may be gone. "
            f"'umount -f -l {path}' unmounts it, and discards data that was not written yet."
        ) from error
    if status != 0:
        raise HostError(f"{path} cannot be unmounted: {_sentence(output)}")


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def owner_ids(owner: str | None, group: str | None) -> tuple[int | None, int | None]:
    """Return (user id, group id) of names or numbers; None for None. Raises HostError."""
    try:
        uid = None if owner is None else int(owner) if owner.isdigit() else pwd.getpwnam(owner).pw_uid
        gid = None if group is None else int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise HostError(
            f"This host has no such user or group: {error}. Use its number, which must be the same on all hosts."
        ) from error
    return uid, gid


def requested_ownership(params: dict[str, Any]) -> RequestedOwnership:
    """Return the requested ownership from validated "owner", "group" and "mode". Raises HostError."""
    return (*owner_ids(params["owner"], params["group"]), params["mode"] and int(params["mode"], 8))


def ownership(path: str) -> Ownership:
    """Return the ownership of a folder. Raises OSError. Accesses the share."""
    status = os.stat(path)
    return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)


def set_ownership(path: str, uid: int | None, gid: int | None, mode: int | None) -> None:
    """Change a folder's owner and mode; None leaves the current value. Raises OSError. Accesses the share."""
    if uid is not None or gid is not None:
        os.chown(path, -1 if uid is None else uid, -1 if gid is None else gid)
    if mode is not None:
        os.chmod(path, mode)  # after chown, which clears some bits


def meaning(error: OSError) -> str:
    """Return what an error of an operation on a share means."""
    return MEANINGS.get(error.errno or 0) or error.strerror or str(error)
