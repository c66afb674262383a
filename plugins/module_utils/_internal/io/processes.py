# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Processes of a host, identified by the name that the kernel stores for them."""

from __future__ import annotations

import contextlib
import glob
import os

LONGEST_NAME = 15  # bytes; the kernel truncates longer names


def find(name: str) -> list[int]:
    """Return the process ids of this user's processes with this name, except the calling process."""
    found = []
    for path in glob.iglob("/proc/[0-9]*/comm"):
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
            pid = int(path.split("/")[2])
            if file.read().strip() == name and pid != os.getpid() and os.stat(path).st_uid == os.geteuid():
                found.append(pid)
    return found


def rename(name: str) -> None:
    """Set the name of the calling process."""
    with open("/proc/self/comm", "w", encoding="ascii") as file:
        file.write(name[:LONGEST_NAME])
