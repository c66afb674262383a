# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may hang, done aside: a share whose server is gone keeps whoever touches it waiting, but a killed process frees its caller."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess

from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError

GRACE = 2  # seconds for a killed process to go


class TimedOut(HostError):
    """There was no answer in time."""


def call(function, *arguments, timeout):
    """Call a function in a process of its own and return what it returns (anything that can be pickled).

    timeout: seconds. Raises TimedOut, or OSError as the function raised it.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, function, arguments), daemon=True)
    process.start()
    sender.close()
    try:
        if not receiver.poll(timeout):
            raise TimedOut(f"no answer within {timeout} s")
        answer, error = receiver.recv()
    except EOFError as gone:
        raise HostError(f"{function.__name__} ended without an answer") from gone
    finally:
        receiver.close()
        process.kill()
        process.join(GRACE)
    if error:
        raise OSError(*error)
    return answer


def _answer(sender, function, arguments):
    try:
        answer = function(*arguments), None
    except OSError as error:
        answer = None, (error.errno, error.strerror or str(error))
    sender.send(answer)


def run(command, timeout):
    """Run a command and return (status, its output and errors as str). Raises TimedOut; it and what it started are gone then."""
    # Output goes to a pipe that the command's children hold too: they are killed with it.
    process = subprocess.Popen(  # noqa: S603  # pylint: disable=ansible-bad-function
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    try:
        output = process.communicate(timeout=timeout)[0]
    except subprocess.TimeoutExpired as late:
        os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):  # else it hangs in the kernel, and ends when that lets it
            process.communicate(timeout=GRACE)
        raise TimedOut(f"{command[0]} did not end within {timeout} s") from late
    return process.returncode, output.decode(errors="replace").strip()
