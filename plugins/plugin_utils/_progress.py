# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Progress lines for tasks that take long. Ansible prints nothing while a module runs."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from ansible.plugins.action.normal import ActionModule as NormalActionModule

INTERVAL = 10.0  # seconds between two lines


def line(host: str, task: str, seconds: float, limit: int | None) -> str:
    """Return the progress line of a task. seconds: since its start. limit: seconds after which the module gives up, None without a limit."""
    most = f" of at most {limit} s" if limit else " so far"
    return f"  {host}: {task}: {seconds:.0f} s{most}"


@contextlib.contextmanager
def reported(write: Callable[[float], None], interval: float = INTERVAL) -> Iterator[None]:
    """Call write with the seconds since the start, once per interval, until the block ends."""
    began, ended = time.monotonic(), threading.Event()

    def repeat() -> None:
        while not ended.wait(interval):
            write(time.monotonic() - began)

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class ActionModule(NormalActionModule):
    """Runs the task's module as usual, and prints what it waits for."""

    def description(self) -> str:
        """Return what the task does, for the lines."""
        return str(self._task.name or self._task.action)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        host = self._task.delegate_to or (task_vars or {}).get("inventory_hostname", "")
        limit = self._task.args.get("wait_timeout") or self._task.args.get("timeout")
        task = self.description()

        def write(seconds: float) -> None:
            self._display.display(line(host, task, seconds, int(limit) if limit else None))

        with reported(write):
            return super().run(tmp, task_vars)
