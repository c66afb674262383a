# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mutual exclusion on one host. A module that outlives a killed run must not work against the next run."""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from collections.abc import Iterator

from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

# An abstract socket: no file has this name, and the kernel frees it when its holder ends.
NAME = "\0waba.cluster"
TIMEOUT = 600  # seconds
INTERVAL = 0.2  # seconds


@contextlib.contextmanager
def exclusive(name: str = NAME, timeout: float = TIMEOUT) -> Iterator[None]:
    """Hold the lock of this name. Raises HostError if another process holds it for longer than timeout (seconds)."""
    deadline = time.monotonic() + timeout
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as lock:
        while not _acquire(lock, name):
            if time.monotonic() > deadline:
                raise HostError(
                    f"Another run has been working on this host for {timeout} s. Nothing was changed. "
                    "Wait for that run to end, then run again."
                )
            time.sleep(INTERVAL)
        yield


def _acquire(lock: socket.socket, name: str) -> bool:
    try:
        lock.bind(name)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise HostError(f"Cannot lock this host against other runs: {error.strerror}.") from error
        return False
    return True
