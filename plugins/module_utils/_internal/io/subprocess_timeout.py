# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calls that may hang, made in a subprocess with a timeout.

A process that touches an NFS share whose server is gone blocks in the kernel. Killing that process frees its caller.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

GRACE = 2  # seconds for a killed process to end

RunCommand = Callable[..., Any]  # AnsibleModule.run_command: returns (status, output, errors)


class TimedOut(HostError):
    """The call did not return in time."""


def call(function: Callable[..., Any], *arguments: Any, timeout: float, **options: Any) -> Any:
    """Call a function in a process of its own, and return its result, which must be picklable.

    Raises TimedOut after timeout (seconds), or the OSError that the function raised. A call that timed out is killed together
    with every process that it started.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, function, arguments, options), daemon=True)
    process.start()
    sender.close()
    try:
        if not receiver.poll(timeout):
            _kill(process)
            raise TimedOut(f"no answer within {timeout} s")
        answer, error = receiver.recv()
    except EOFError as gone:
        raise HostError(f"{function.__name__} ended without an answer") from gone
    finally:
        receiver.close()
        process.join(GRACE)
    if error:
        raise OSError(*error)
    return answer


def _kill(process: multiprocessing.process.BaseProcess) -> None:
    if process.pid is not None:
        with contextlib.suppress(ProcessLookupError):  # it may not lead a group yet
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _answer(sender: Connection, function: Callable[..., Any], arguments: tuple, options: dict[str, Any]) -> None:
    os.setsid()
    try:
        answer, error = function(*arguments, **options), None
    except OSError as raised:
        answer, error = None, (raised.errno, raised.strerror or str(raised))
    sender.send((answer, error))


def run(run_command: RunCommand, command: list[str], timeout: float) -> tuple[int, str]:
    """Run a command; return its status, and its output and errors as one text. Raises HostError."""
    try:
        status, output, errors = call(
            run_command,
            command,
            timeout=timeout,
            handle_exceptions=False,
            expand_user_and_vars=False,
            environ_update={"LC_ALL": "C"},
        )
    except TimedOut as error:
        raise TimedOut(f"{command[0]} did not end within {timeout} s") from error
    except OSError as error:
        raise HostError(f"Cannot run {command[0]}: {error.strerror}") from error
    return status, f"{output}{errors}".strip()
