# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes the plan of a run from the observations of all hosts; fails, before anything is touched, when there is a problem on any of them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.waba.cluster.plugins.module_utils._internal.cluster import plan
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import image_builder, image_store
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight import cluster
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

IMAGES = Path(__file__).resolve().parents[2] / "roles/images/files"
# A cluster has one value of each. A group's own file could give one to some hosts only, and the others would keep the default.
SHARED = (
    "waba_database_host",
    "waba_database_port",
    "waba_database_user",
    "waba_database_name_prefix",
    "waba_ha",
    "waba_shards",
    "waba_upstream",
    "waba_cloud_phone_number_id",
    "waba_cloud_waba_id",
    "waba_cloud_base_url",
    "waba_cloud_version",
    "waba_cloud_webhook_url",
    "waba_cloud_rate",
    "waba_cloud_uncertain",
    "waba_cloud_grace",
    "waba_cloud_pass_links",
    "waba_backup_host",
    "waba_backup_schedule",
)
# A cluster on another upstream has no secrets of the Cloud API yet, and a new verify token is as good as the former one.
CLOUD_PREFIX = "waba_cloud_"
# The results that the tasks before register, by the part of a host's report that they are.
REGISTERED = {
    "checks": "waba_observed",
    "listening": "waba_listening",
    "reach": "waba_reached",
    "account": "waba_cloud_account",
}
HEALTH = "waba_health"  # registered on the host that is asked about the cluster


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset(
        (
            "topology",
            "show",
            "api_host",
            "secrets",
            "missing_secrets",
            "secrets_file",
            "clock_tolerance",
            "warnings",
            "admin_password_rotates",
        )
    )

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        del tmp
        task_vars = task_vars or {}
        args = self._task.args
        topology, secrets = args["topology"], list(args.get("secrets") or [])
        hosts = [host for host in topology["hosts"] if host in task_vars["ansible_play_hosts_all"]]
        variables = {host: task_vars["hostvars"].raw_get(host) for host in topology["hosts"]}
        reports = {host: _report(topology, host, variables[host]) for host in hosts}
        seen = {host: report["checks"] for host, report in reports.items() if "docker" in report.get("checks", {})}
        missing = list(args.get("missing_secrets") or [])
        secrets_file = str(args.get("secrets_file"))
        api_host = str(args.get("api_host") or "")
        health = variables.get(api_host, {}).get(HEALTH, {})
        known_images, image_problems = _known_images(topology)
        found = cluster.judge(
            reports,
            float(args.get("clock_tolerance") or 2),
            self._shared(task_vars, variables, hosts, secrets),
            secrets,
            [
                *_lost_secrets(seen, missing, secrets_file),
                *_missing_issued_secrets(missing, secrets_file),
                *(() if args.get("admin_password_rotates") else _refused_password(api_host, health)),
                *image_problems,
            ],
        )
        if warnings := [*(args.get("warnings") or []), *found["warnings"]]:
            self._print("Warnings:", warnings)
        if found["count"]:
            self._print(f"{found['count']} to fix before anything is touched:", found["problems"])
            message = f"Nothing was touched: {found['count']} to fix on {found['hosts']} host(s), see the table above."
            return {**result, "failed": True, "msg": message}
        changes = _secret_changes(missing, secrets_file)
        for host, observed in seen.items():
            wanted = topology["hosts"][host]["wanted_images"]
            changes += plan.host_changes(host, observed, known_images, wanted)
        for host, report in reports.items():
            changes += plan.account_changes(host, report.get("account", {}))
        changes += plan.cluster_changes(api_host, health, topology["expected"]["shards"])
        waits = api_host or next((host for host in topology["parts"]["webapps"] if host in hosts), "")
        if args.get("show", True):
            self._print("Plan:", plan.lines(changes, api_follows=bool(waits) and not health))
        steps = plan.steps(changes, topology["parts"])
        if waits and (steps or not health.get("healthy")):
            steps[waits] = [*(step for step in steps.get(waits, []) if step != "cluster"), "cluster"]
        return {
            **result,
            "changed": bool(changes) and self._task.check_mode,
            "changes": [change._asdict() for change in changes],
            "steps": steps,
            "known_images": known_images,
            "missing_images": {
                host: plan.absent_images(seen[host], known_images, one["wanted_images"]) if host in seen else []
                for host, one in topology["hosts"].items()
            },
            "diff": [diff for host, one in seen.items() for diff in plan.diffs(host, one)],
        }

    def _print(self, title: str, lines: list[str]) -> None:
        self._display.display("\n".join([title, *(f"  {line}".rstrip() for line in lines)]))

    def _shared(
        self, task_vars: Mapping[str, Any], variables: Mapping[str, Any], hosts: list[str], secrets: list[str]
    ) -> dict[str, dict[str, Any]]:
        """Return {host: its settings that all hosts share}. hosts: those of this run.

        This run has read the file of the secrets for its own hosts. The file is for the others too.
        """
        given = {host: self._given(task_vars, host, own, (*SHARED, *secrets)) for host, own in variables.items()}
        read = {name: given[hosts[0]][name] for name in secrets if hosts and name in given[hosts[0]]}
        return {host: own if host in hosts else {**read, **own} for host, own in given.items()}

    def _given(
        self, task_vars: Mapping[str, Any], host: str, variables: Mapping[str, Any], names: tuple[str, ...]
    ) -> dict[str, Any]:
        """Return {name: value} of the variables that a host has; `waba.cluster.topology` reports those that cannot be templated."""
        found = {}
        for name in names:
            with contextlib.suppress(AnsibleError):
                if name in variables:
                    found[name] = task_vars["hostvars"][host][name]
        return found


def _report(topology: Mapping[str, Any], host: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    results = {part: variables[name] for part, name in REGISTERED.items() if name in variables}
    return {"settings": topology["checks"][host], **results}


def _lost_secrets(seen: Mapping[str, Any], missing: list[str], file: str) -> list[tuple[str, Problem]]:
    """Return a problem for each host that has containers of a cluster whose secrets are not known here: new ones would lock it out."""
    missing = [name for name in missing if not name.startswith(CLOUD_PREFIX)]
    if not missing:
        return []
    holders = [host for host, one in seen.items() if any(service["container"] for service in one.get("services", []))]
    problem = f"{', '.join(missing)}: not known here, but this host runs the cluster with them"
    fix = "Copy the file here from where site.yml was run, or set the variables"
    return [(host, Problem("waba_secrets_file", file, problem, fix)) for host in holders]


def _missing_issued_secrets(missing: list[str], file: str) -> list[tuple[str, Problem]]:
    """Return a problem for each required secret that Meta issues and no setting has."""
    fixes = {
        "waba_cloud_token": "Create a token of a System User in Meta Business Suite",
        "waba_cloud_app_secret": "Copy it from App settings > Basic of your app",
    }
    return [
        (plan.CONTROLLER, Problem(name, None, "the Cloud API needs it", f"{fixes[name]}, and add it to {file}"))
        for name in missing
        if name in fixes
    ]


def _secret_changes(missing: list[str], file: str) -> list[plan.Change]:
    if not missing:
        return []
    return [plan.Change(plan.CONTROLLER, "secrets", file, "write", f"no value is set for {', '.join(missing)}")]


def _refused_password(host: str, health: Mapping[str, Any]) -> list[tuple[str, Problem]]:
    """Return a problem where the admin can log in with neither the wanted nor the initial password."""
    if health.get("login") != "refused":
        return []
    fix = "Set it to the password that the admin has, then run rotate_secrets.yml; or run that at once, if it was interrupted"
    return [(host, Problem("waba_admin_password", "(redacted)", "the cluster's admin has another password", fix))]


def _known_images(topology: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], list[tuple[str, Problem]]]:
    """Return ({name: {"id", "source_hash", ...}} of the wanted images, problems). An image of a registry may have any content."""
    images = topology["images"]
    hosts = topology["hosts"].values()
    names = {name for one in hosts for name in one["wanted_images"]}
    try:
        if images["source"] == "archive":
            return image_store.read_archive(
                os.path.realpath(os.path.expanduser(os.path.expandvars(images["archive"]))), names
            ), []
        if images["source"] == "build":
            folders = {name: str(IMAGES / folder) for one in hosts for name, folder in one["image_sources"].items()}
            hashes = {
                folder: image_builder.source_hash(folder, images["suite"], images["revision"])
                for folder in set(folders.values())
            }
            return {name: {"source_hash": hashes[folder]} for name, folder in folders.items()}, []
    except HostError as error:
        fix = "Correct images_source, or provide what it needs"
        return {}, [(plan.CONTROLLER, Problem("images_source", images["source"], str(error), fix))]
    return {}, []
