# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans an upgrade or a restart on the controller."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import message
from ansible_collections.waba.cluster.plugins.module_utils._internal.rollout import order, steps

OPTIONS = {
    "state": {"type": "str", "choices": ["upgraded", "restarted"], "default": "upgraded"},
    "found": {"type": "dict", "required": True},
    "health": {"type": "list", "elements": "dict", "required": True},
    "images": {
        "type": "dict",
        "options": {"coreapp": {"type": "str", "required": True}, "webapp": {"type": "str", "required": True}},
    },
    "schema": {"type": "dict", "default": {}},
    "expect": {"type": "dict", "required": True},
    "back": {"type": "bool", "default": False},
    "outage": {"type": "bool", "default": False},
    "serial": {"type": "int", "default": 1},
    "services": {"type": "dict"},
}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        del tmp
        _result, options = self.validate_argument_spec(OPTIONS, required_if=[("state", "upgraded", ["images"])])
        found, health, schema = (options[name] for name in ("found", "health", "schema"))
        images = options["images"] if options["state"] == "upgraded" else None
        problems = order.plan_problems(found, health, images, schema, options["expect"], options, options["services"])
        if self._task.check_mode:  # no image has been provided in check mode
            problems = [problem for problem in problems if not problem.problem.endswith(order.NO_IMAGE)]
        if problems:
            self._display.display(message(problems, "the cluster", "Problems to fix"))
            text = f"Nothing was touched: {len(problems)} problem(s) to fix, see the table above."
            return {**result, "failed": True, "msg": text}
        if options["serial"] < 1:
            text = f"serial (waba_upgrade_serial) is {options['serial']}: it must be 1 or more."
            return {**result, "failed": True, "msg": text}
        batches = order.batches(found, health, images, options["serial"], options["outage"], options["services"])
        return {**result, "changed": False, "steps": steps.steps(batches), "rows": steps.rows(batches)}
