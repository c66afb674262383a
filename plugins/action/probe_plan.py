# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decides on the controller which hosts probe which ports of others, and which host is asked about the cluster."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.reachability import is_settled, plan


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset(("topology",))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        del tmp
        task_vars = task_vars or {}
        topology = self._task.args["topology"]
        variables = {host: task_vars["hostvars"].raw_get(host) for host in task_vars["ansible_play_hosts_all"]}
        reports = {host: values["waba_observed"] for host, values in variables.items() if "waba_observed" in values}
        plans = plan(reports, topology["share"])
        return {
            **result,
            "changed": False,
            "hosts": plans,
            "settled": is_settled(plans, reports),
            "api_host": _api_host(reports),
        }


def _api_host(reports: dict[str, Any]) -> str:
    """Return the first host that has a running webapp; "" where none has."""
    for host, report in reports.items():
        if any((one["role"], one["state"]) == ("webapp", "running") for one in report.get("services", [])):
            return host
    return ""
