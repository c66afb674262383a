# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Processes of a host by their short names, as the kernel keeps them."""

from __future__ import annotations

import contextlib
import glob
import os

LONGEST_NAME = 15  # bytes; the kernel cuts what is longer


def named(name):
    """Return the pids (list of int) of this user's processes with a short name, without the caller's own."""
    found = []
    for path in glob.iglob("/proc/[0-9]*/comm"):
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
            pid = int(path.split("/")[2])
            if file.read().strip() == name and pid != os.getpid() and os.stat(path).st_uid == os.geteuid():
                found.append(pid)
    return found


def rename(name):
    """Give this process a short name (str)."""
    with open("/proc/self/comm", "w", encoding="ascii") as file:
        file.write(name[:LONGEST_NAME])
