# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import errno
import os
import time

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.io import subprocess_timeout as bounded


def test_what_a_function_returns_or_raises_comes_back():
    assert bounded.call(os.listdir, "/proc/self/fdinfo", timeout=10)
    with pytest.raises(OSError, match="No such file") as caught:
        bounded.call(os.stat, "/nowhere", timeout=10)
    assert caught.value.errno == errno.ENOENT


def test_a_function_that_hangs_is_ended(tmp_path):
    pid_file = tmp_path / "pid"

    def hang(path):
        path.write_text(str(os.getpid()))
        time.sleep(600)

    with pytest.raises(bounded.TimedOut, match="no answer within 2 s"):
        bounded.call(hang, pid_file, timeout=2)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_a_command_that_hangs_is_ended_with_what_it_started(tmp_path):
    pid_file = tmp_path / "pid"
    with pytest.raises(bounded.TimedOut, match="sh did not end within 2 s"):
        bounded.run(["sh", "-c", f"sleep 600 & echo $! > {pid_file}; wait"], timeout=2)
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{pid_file.read_text().strip()}") and time.monotonic() < deadline:
        time.sleep(0.05)  # a killed orphan goes when its new parent has reaped it
    assert time.monotonic() < deadline


def test_a_command_tells_its_end_and_its_words():
    assert bounded.run(["sh", "-c", "echo said; echo wrong >&2; exit 3"], timeout=10) == (3, "said\nwrong")
