# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The text of /etc/fstab, and of /proc/self/mountinfo: read, and changed in one line alone (source: fstab(5), proc_pid_mountinfo(5))."""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils.paths import cleaned

# What would end a field is written in octal there.
ESCAPES = {"\\": "\\134", " ": "\\040", "\t": "\\011", "\n": "\\012"}


class Entry(NamedTuple):
    """A line of fstab: what is mounted, where, its type and its options."""

    source: str
    path: str
    fstype: str
    options: list

    @property
    def line(self):
        """Return the line (str, without its end); neither dumped nor checked at boot."""
        return f"{escaped(self.source)} {escaped(self.path)} {self.fstype} {escaped(','.join(self.options))} 0 0"


class Mount(NamedTuple):
    """Something that is mounted: what, its type, and the options of the mount and of its file system together."""

    source: str
    fstype: str
    options: list


def escaped(text):
    """Return text as a field of fstab."""
    return "".join(ESCAPES.get(character, character) for character in text)


def unescaped(field):
    """Return what a field of fstab or mountinfo stands for."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), field)


def _entry(line):
    fields = line.split()
    if len(fields) < 3 or line.lstrip().startswith("#"):
        return None
    return Entry(
        unescaped(fields[0]),
        cleaned(unescaped(fields[1])),
        fields[2],
        (fields[3:4] or ["defaults"])[0].split(","),
    )


def entries_of(text, path):
    """Return the entries (list of Entry) that fstab's text has for a mount point."""
    return [entry for entry in map(_entry, text.splitlines()) if entry and entry.path == path]


def with_entry(text, path, entry):
    """Return fstab's text with this entry as the only one for a mount point, or with none when entry is None.

    A new entry stands where the first one for the path stood, else at the end. Every other line stays as it is, to the byte.
    """
    lines, placed = [], entry is None
    for line in text.splitlines(keepends=True):
        found = _entry(line)
        if not (found and found.path == path):
            lines.append(line)
        elif not placed:
            lines.append(entry.line + "\n")
            placed = True
    if not placed:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        lines.append(entry.line + "\n")
    return "".join(lines)


def mounts_at(mountinfo, path):
    """Return what is mounted at a path (list of Mount), the one on top last. mountinfo: the text of /proc/self/mountinfo."""
    mounts = []
    for line in mountinfo.splitlines():
        before, dash, after = line.partition(" - ")
        fields, rest = before.split(), after.split(" ")
        if dash and len(fields) > 5 and len(rest) > 2 and unescaped(fields[4]) == path:
            mounts.append(Mount(unescaped(rest[1]), rest[0], [*fields[5].split(","), *rest[2].split(",")]))
    return mounts
