# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import errno
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import subprocess_timeout
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.subprocess_timeout import TimedOut


def run_command(command: list[str], **_options: Any) -> tuple[int, str, str]:
    """Stand-in for AnsibleModule.run_command."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_result_and_oserror_of_the_function_reach_the_caller() -> None:
    assert subprocess_timeout.call(os.listdir, "/proc/self/fdinfo", timeout=10)
    with pytest.raises(OSError, match="No such file") as caught:
        subprocess_timeout.call(os.stat, "/nowhere", timeout=10)
    assert caught.value.errno == errno.ENOENT


def test_a_function_that_dies_is_an_error() -> None:
    with pytest.raises(HostError, match="_exit ended without an answer"):
        subprocess_timeout.call(os._exit, 1, timeout=10)


def test_a_function_that_hangs_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    def hang(path: Path) -> None:
        path.write_text(str(os.getpid()))
        time.sleep(600)

    with pytest.raises(TimedOut, match="no answer within 2 s"):
        subprocess_timeout.call(hang, pid_file, timeout=2)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    command = ["sh", "-c", f"sleep 600 & echo $! > {pid_file}; wait"]
    with pytest.raises(TimedOut, match="sh did not end within 2 s"):
        subprocess_timeout.run(run_command, command, timeout=2)
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{pid_file.read_text().strip()}") and time.monotonic() < deadline:
        time.sleep(0.05)  # until the new parent of the killed orphan has reaped it
    assert time.monotonic() < deadline


def test_a_command_returns_its_status_and_output() -> None:
    command = ["sh", "-c", "echo output; echo errors >&2; exit 3"]
    assert subprocess_timeout.run(run_command, command, timeout=10) == (3, "output\nerrors")


def test_a_command_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(HostError, match="Cannot run no-such-command: No such file"):
        subprocess_timeout.run(run_command, ["no-such-command"], timeout=10)
