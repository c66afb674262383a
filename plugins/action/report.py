# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prints lines once, as they are, and fails with a one-line message on request. Runs on the controller."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        del tmp
        _result, options = self.validate_argument_spec(
            {
                "lines": {"type": "list", "elements": "str", "default": []},
                "fail_msg": {"type": "str", "default": ""},
            }
        )
        if options["lines"]:
            self._display.display("\n".join(options["lines"]))
        result["changed"] = False
        if options["fail_msg"]:
            # The default callback prints every key of a failed result, so the lines would appear again.
            return {**result, "failed": True, "msg": " ".join(options["fail_msg"].split())}
        return {**result, "lines": options["lines"]}
