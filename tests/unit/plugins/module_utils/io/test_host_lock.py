# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import signal
import time

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import host_lock

NAME = f"\0waba.cluster test {os.getpid()}"


@pytest.fixture
def other():
    """Another process that is in the block; its pid."""
    ready, told = os.pipe()
    pid = os.fork()
    if not pid:
        with host_lock.alone(NAME):
            os.write(told, b"x")
            time.sleep(60)
        os._exit(0)
    os.read(ready, 1)
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_who_is_kept_out_is_told_in_time(other):
    with pytest.raises(HostError, match="Another run has been at work"), host_lock.alone(NAME, patience=0.3):
        pass


def test_a_holder_that_is_killed_keeps_nobody_out(other):
    os.kill(other, signal.SIGSTOP)
    with pytest.raises(HostError), host_lock.alone(NAME, patience=0.3):
        pass
    os.kill(other, signal.SIGKILL)
    with host_lock.alone(NAME, patience=5):
        pass


def test_one_after_the_other():
    for _turn in range(2):
        with host_lock.alone(NAME, patience=0):
            pass
