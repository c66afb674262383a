# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare the folder that a container mounts with the folder that its host has now.

A bind mount refers to the folder that existed when the container started, even if the host mounts a share over it later. The comparison reads only
the mount tables of the kernel, see proc_pid_mountinfo(5), so it does not hang when the server of a share is down.
"""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs.fstab import unescaped

ON_DEMAND = "autofs"  # mounted on access and unmounted when idle, so the table does not show the real mount


class _Mount(NamedTuple):
    number: str
    parent: str
    device: str
    root: str  # the mounted folder of the file system
    point: str
    fstype: str


def is_stale(host: str, source: str, container: str, target: str) -> bool:
    """Return whether the folder at target in a container is not the folder at source on its host; False if unknown.

    host, container: texts of /proc/PID/mountinfo of a process of each. source, target: absolute paths, source without symbolic links.
    """
    inside, outside = _mount_of(container, target), _mount_of(host, source)
    if not (inside and outside) or inside.point != target or ON_DEMAND in (inside.fstype, outside.fstype):
        return False
    folder = posixpath.join(outside.root, posixpath.relpath(source, outside.point))
    return (inside.device, inside.root) != (outside.device, posixpath.normpath(folder))


def _mount_of(mountinfo: str, path: str) -> _Mount | None:
    """Return the mount that contains a path, or None."""
    mounts = [mount for mount in map(_mount, mountinfo.splitlines()) if mount]
    numbers = {mount.number for mount in mounts}
    roots = [mount for mount in mounts if mount.point == "/" and mount.parent not in numbers - {mount.number}]
    found = roots[0] if roots else None
    children = {(mount.parent, mount.point): mount for mount in mounts if mount is not found}
    folders = [path]
    while folders[-1] not in ("/", ""):
        folders.append(posixpath.dirname(folders[-1]))
    for folder in reversed(folders):
        while found and (found.number, folder) in children:  # the last mount hides those below it
            found = children[found.number, folder]
    return found


def _mount(line: str) -> _Mount | None:
    before, dash, after = line.partition(" - ")
    fields = before.split()
    if not dash or len(fields) < 6:
        return None
    number, parent, device, root, point = fields[:5]
    return _Mount(number, parent, device, unescaped(root), unescaped(point), after.split(" ")[0])
