# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuses --tags and --skip-tags that would run a part of a playbook. Only an action plugin sees the tags that its task inherits."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ansible.plugins.action import ActionBase

FIX = (
    "Run the playbook without them; preflight.yml, firewall.yml, nfs.yml and images.yml are complete parts of site.yml. "
    "In a playbook of your own, give the import of the playbook a tag"
)


def partial_run(own: Collection[str], run_tags: Collection[str], skip_tags: Collection[str]) -> str:
    """Return the option that would skip the tasks of the playbook, empty when they all run or the user's own import selects them as a whole.

    own: the tags of the task, of which it inherits all but "always".
    """
    if set(own) - {"always"}:
        return ""
    if not {"all", "untagged"} & set(run_tags):
        return f"--tags {','.join(run_tags)}"
    if {"all", "untagged"} & set(skip_tags):
        return f"--skip-tags {','.join(skip_tags)}"
    return ""


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        del tmp
        variables = task_vars or {}
        self.validate_argument_spec({})
        option = partial_run(
            self._task.tags, variables.get("ansible_run_tags", ["all"]), variables.get("ansible_skip_tags", [])
        )
        if option:
            msg = f"Nothing was touched: {option} would skip most tasks of the playbook. {FIX}."
            return {**result, "failed": True, "msg": msg}
        return {**result, "changed": False}
