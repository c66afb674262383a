# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module of the same name, and holds the host's clock against the controller's: only who asks knows when it asked."""

from __future__ import annotations

import time

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    TRANSFERS_FILES = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        before = time.time()
        result.update(self._execute_module(module_args=self._task.args, task_vars=task_vars))
        if "clock" in result:
            # The host read its clock somewhere between the two moments.
            result["clock_ahead"] = [result["clock"] - time.time(), result["clock"] - before]
        return result
