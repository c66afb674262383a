# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import host_lock

NAME = f"\0waba.cluster test {os.getpid()}"


@pytest.fixture
def holder() -> Iterator[int]:
    """The pid of another process that holds the lock."""
    ready, started = os.pipe()
    pid = os.fork()
    if not pid:
        with host_lock.exclusive(NAME):
            os.write(started, b"x")
            time.sleep(60)
        os._exit(0)
    os.read(ready, 1)
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_second_holder_is_refused_after_the_timeout(holder: int) -> None:
    with pytest.raises(HostError, match="Another run has been working"), host_lock.exclusive(NAME, timeout=0.3):
        pass


def test_the_lock_of_a_killed_process_is_free(holder: int) -> None:
    os.kill(holder, signal.SIGSTOP)
    with pytest.raises(HostError), host_lock.exclusive(NAME, timeout=0.3):
        pass
    os.kill(holder, signal.SIGKILL)
    with host_lock.exclusive(NAME, timeout=5):
        pass


def test_the_lock_can_be_taken_again() -> None:
    for _turn in range(2):
        with host_lock.exclusive(NAME, timeout=0):
            pass
