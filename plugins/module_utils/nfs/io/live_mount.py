# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mounts a share and looks at it. Whatever touches the share runs aside, within a time: a server that is gone hangs nobody."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import shutil
import stat

from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files
from ansible_collections.waba.cluster.plugins.module_utils.io import subprocess_timeout as bounded
from ansible_collections.waba.cluster.plugins.module_utils.nfs import fstab as planner

FSTAB = "/etc/fstab"
FSTAB_MODE = 0o644
MOUNTINFO = "/proc/self/mountinfo"
MEANINGS = {  # of an error that a share answers with
    errno.EROFS: "the export is read-only",
    errno.ESTALE: "its handle is stale: the server no longer exports the folder that was mounted",
    errno.EACCES: "the server does not let this host's root in (root_squash), or the folder's mode forbids it",
    errno.EPERM: "the server does not let this host's root do that (root_squash)",
    errno.ENOSPC: "the share is full",
    errno.EDQUOT: "the share is full",
}


def has_client():
    """Return whether this host can mount NFS at all."""
    return _has("mount.nfs")


def has_server():
    """Return whether this host can export by NFS at all."""
    return _has("exportfs")


def _has(command):
    return bool(shutil.which(command, path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin"))


def read_fstab():
    """Return (text, mode) of fstab; an empty one where there is none. Raises HostError."""
    found = files.read(FSTAB)
    return (found[0], found[1]) if found else ("", FSTAB_MODE)


def write_fstab(text, mode):
    """Write fstab, and let systemd know where it runs. Raises HostError."""
    files.write(os.path.realpath(FSTAB), text, mode)
    if os.path.isdir("/run/systemd/system"):
        bounded.run(["systemctl", "daemon-reload"], 60)


def mounts_at(path):
    """Return what is mounted at a path (list of nfs.fstab.Mount), the one on top last. Touches no share."""
    with open(MOUNTINFO, encoding="utf-8", errors="surrogateescape") as file:
        return planner.mounts_at(file.read(), path)


def in_use(path):
    """Return whether a folder holds anything, which a mount there would hide. It must not be a mount point."""
    return os.path.isdir(path) and bool(os.listdir(path))


def mount(entry, timeout):
    """Mount a nfs.fstab.Entry; its folder is made when missing. Raises HostError with the server's own words."""
    os.makedirs(entry.path, exist_ok=True)
    options = ",".join([*entry.options, "retry=0"])
    status, said = bounded.run(["mount", "-t", entry.fstype, "-o", options, entry.source, entry.path], timeout)
    if status != 0:
        raise HostError(f"{entry.source} cannot be mounted: {said}")


def unmount(path, timeout):
    """Unmount what is on top at a path. Raises HostError."""
    try:
        status, said = bounded.run(["umount", path], timeout)
    except bounded.TimedOut as error:
        raise HostError(
            f"{path} cannot be unmounted: {error}. Its server may be gone; 'umount -f -l {path}' gives it up, with what was not written yet"
        ) from error
    if status != 0:
        raise HostError(f"{path} cannot be unmounted: {said}")


def owner_ids(owner, group):
    """Return (user id, group id) of names or numbers; None for what is None. Raises HostError."""
    try:
        uid = None if owner is None else int(owner) if owner.isdigit() else pwd.getpwnam(owner).pw_uid
        gid = None if group is None else int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise HostError(
            f"There is no such user or group on this host: {error}. Use its number, the same on all hosts."
        ) from error
    return uid, gid


def wanted_folder(params):
    """Return (user id, group id, mode) that a folder shall have, of a module's checked "owner", "group" and "mode"; None for what is None.

    Raises HostError."""
    return (*owner_ids(params["owner"], params["group"]), params["mode"] and int(params["mode"], 8))


def folder_of(path):
    """Return (user id, group id, mode) of a folder. Raises OSError. To be called aside."""
    status = os.stat(path)
    return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)


def give(path, uid, gid, mode):
    """Change a folder's owner and mode; None leaves as it is. Raises OSError. To be called aside."""
    if uid is not None or gid is not None:
        os.chown(path, -1 if uid is None else uid, -1 if gid is None else gid)
    if mode is not None:
        os.chmod(path, mode)  # after chown, which clears some bits


def meaning(error):
    """Return what an OSError from a share means (str)."""
    return MEANINGS.get(error.errno, error.strerror)
