# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a container still sees the folder that its host has: a bind keeps what was there at the start, whatever is mounted over it later.

Told from the kernel's tables of mounts alone (source: proc_pid_mountinfo(5)), so a share whose server is gone hangs nobody.
"""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils.nfs.fstab import unescaped

ON_DEMAND = "autofs"  # what it stands for is mounted when it is used, and goes by itself


class _Mount(NamedTuple):
    number: str
    parent: str
    device: str
    root: str  # the folder of the file system that is mounted
    point: str
    fstype: str


def elsewhere(host: str, source: str, container: str, target: str) -> bool:
    """Return whether a container has another folder at target than its host has at source (bool); False where it cannot be known.

    host, container: texts of /proc/PID/mountinfo of a process of each. source, target: absolute paths (str), source without symbolic links.
    """
    theirs, ours = _mount_of(container, target), _mount_of(host, source)
    if not (theirs and ours) or theirs.point != target or ON_DEMAND in (theirs.fstype, ours.fstype):
        return False
    folder = posixpath.join(ours.root, posixpath.relpath(source, ours.point))
    return (theirs.device, theirs.root) != (ours.device, posixpath.normpath(folder))


def _mount_of(mountinfo: str, path: str) -> _Mount | None:
    """Return the _Mount that a path leads into, or None."""
    mounts = [mount for mount in map(_mount, mountinfo.splitlines()) if mount]
    numbers = {mount.number for mount in mounts}
    found = next(
        (one for one in mounts if one.point == "/" and (one.parent == one.number or one.parent not in numbers)), None
    )
    upon = {(mount.parent, mount.point): mount for mount in mounts if mount is not found}
    folders = [path]
    while folders[-1] not in ("/", ""):
        folders.append(posixpath.dirname(folders[-1]))
    for folder in reversed(folders):
        while found and (found.number, folder) in upon:  # what is mounted last hides the others
            found = upon[found.number, folder]
    return found


def _mount(line: str) -> _Mount | None:
    before, dash, after = line.partition(" - ")
    fields = before.split()
    if not dash or len(fields) < 6:
        return None
    number, parent, device, root, point = fields[:5]
    return _Mount(number, parent, device, unescaped(root), unescaped(point), after.split(" ")[0])
