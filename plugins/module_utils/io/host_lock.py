# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One at a time on a host: what a killed run has begun there goes on without it, and the next run must not work against it."""

from __future__ import annotations

import contextlib
import errno
import socket
import time

from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError

NAME = "\0waba.cluster"  # no file has it: a name in the kernel, which is free again when its holder is no more, whatever ended it
PATIENCE = 600  # seconds
INTERVAL = 0.2  # seconds


@contextlib.contextmanager
def alone(name=NAME, patience=PATIENCE):
    """Let nobody else of this host into such a block meanwhile. Raises HostError when somebody is in there for longer than patience (seconds)."""
    deadline = time.monotonic() + patience
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as lock:
        while not _taken(lock, name):
            if time.monotonic() > deadline:
                raise HostError(
                    f"Another run has been at work on this host for {patience} s. Nothing was touched. Wait for its end, and run again."
                )
            time.sleep(INTERVAL)
        yield


def _taken(lock, name):
    try:
        lock.bind(name)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise HostError(f"This host cannot keep other runs out: {error.strerror}.") from error
        return False
    return True
