# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text of /etc/fstab and /proc/self/mountinfo: parsed, and changed in one line only. See fstab(5), proc_pid_mountinfo(5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils._internal.paths import normalized

# fstab separates fields by whitespace, so these characters are written in octal.
ESCAPES = {"\\": "\\134", " ": "\\040", "\t": "\\011", "\n": "\\012"}

# Functions that compare mount points take `resolved`: {mount point as written: the path that it resolves to, without symbolic links}.
NO_LINKS: Mapping[str, str] = MappingProxyType({})


class Entry(NamedTuple):
    """One line of fstab."""

    source: str
    path: str
    fstype: str
    options: list[str]

    @property
    def line(self) -> str:
        """The line without its newline. The file system is neither dumped nor checked at boot."""
        return f"{escaped(self.source)} {escaped(self.path)} {self.fstype} {escaped(','.join(self.options))} 0 0"


class Mount(NamedTuple):
    """A mounted file system. options: of the mount and of the file system."""

    source: str
    fstype: str
    options: list[str]


def escaped(text: str) -> str:
    """Return text as a field of fstab."""
    return "".join(ESCAPES.get(character, character) for character in text)


def unescaped(field: str) -> str:
    """Return the text of a field of fstab or mountinfo."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), field)


def _entry(line: str) -> Entry | None:
    fields = line.split()
    if len(fields) < 3 or line.lstrip().startswith("#"):
        return None
    return Entry(
        unescaped(fields[0]),
        normalized(unescaped(fields[1])),
        fields[2],
        (fields[3:4] or ["defaults"])[0].split(","),
    )


def mount_points(text: str) -> list[str]:
    """Return the mount points in the text of fstab, as they are written there."""
    return [entry.path for entry in map(_entry, text.splitlines()) if entry]


def entries_of(text: str, path: str, resolved: Mapping[str, str] = NO_LINKS) -> list[Entry]:
    """Return the entries for a mount point in the text of fstab. path: without symbolic links."""
    entries = [entry for entry in map(_entry, text.splitlines()) if entry]
    return [entry for entry in entries if resolved.get(entry.path, entry.path) == path]


def with_entry(text: str, path: str, entry: Entry | None, resolved: Mapping[str, str] = NO_LINKS) -> str:
    """Return the text of fstab with this entry as the only one for a mount point, or without any if entry is None.

    A new entry replaces the first one for the path, or is appended. All other lines remain unchanged, byte by byte.
    """
    new, lines = [f"{entry.line}\n"] if entry else [], []
    for line in text.splitlines(keepends=True):
        if not entries_of(line, path, resolved):
            lines.append(line)
        else:
            lines += new
            new = []
    if new and lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join(lines + new)


def mounts_by_path(mountinfo: str) -> dict[str, list[Mount]]:
    """Return {mount point: what is mounted there, the topmost last} from the text of /proc/self/mountinfo."""
    mounts: dict[str, list[Mount]] = {}
    for line in mountinfo.splitlines():
        before, dash, after = line.partition(" - ")
        fields, rest = before.split(), after.split(" ")
        if dash and len(fields) > 5 and len(rest) > 2:
            mount = Mount(unescaped(rest[1]), rest[0], [*fields[5].split(","), *rest[2].split(",")])
            mounts.setdefault(unescaped(fields[4]), []).append(mount)
    return mounts
