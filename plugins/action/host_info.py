# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module of the same name and compares the host's clock with the controller's, because only the caller knows when it called.

A host whose module fails does not end the run: its result has `msg` and nothing else.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        del tmp
        before = time.time()
        observed = self._execute_module(module_args=self._task.args, task_vars=task_vars)
        if observed.get("failed"):
            # The plan reports it among the problems of all hosts.
            return {**result, "changed": False, "msg": failure_message(observed)}
        result.update(observed)
        if "clock" in result:
            # The host read its clock at some moment between the two readings here.
            result["clock_ahead"] = [result["clock"] - time.time(), result["clock"] - before]
        return result


def failure_message(result: dict[str, Any]) -> str:
    """Return why a module failed. Ansible 2.19 and newer hold the message of a module that crashed in a captured error."""
    event = getattr(result.get("exception"), "event", None)
    return result.get("msg") or getattr(event, "msg", "") or str(result.get("exception", "it failed without a message"))
