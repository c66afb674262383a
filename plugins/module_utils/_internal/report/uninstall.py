# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The outcome of an uninstall for every object on all hosts, as the rows of one table. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.removal import IN_USE

NOT_REQUESTED = "waba_uninstall_also does not name {0}"
PARTS = {  # the steps in their order, each with its name in the row of a failure
    "planned": "containers and networks",
    "backup": "schedule of backups",
    "objects": "containers and networks",
    "files": "files",
    "firewall": "firewall",
    "share": "mount",
    "left": "verification",
    "docker": "Docker",
}
# The key that a good result has, for steps that must not end the run when they fail.
RESULT_KEYS = {
    "planned": "removed",
    "backup": "installed",
    "objects": "removed",
    "files": "files",
    "firewall": "installed",
    "left": "containers",
}

Result = Mapping[str, Any]
Row = dict[str, str]


def rows(host: str, report: Mapping[str, Any], also: Collection[str], check: bool) -> list[Row]:
    """Return the rows of a host: {"host", "kind", "name", "outcome", "reason"}; the outcome is removed, retained, failed or "not reached".

    report: {part of PARTS: the result of its task as Ansible registers it, or {"skipped": True}}, with "share_path" and "export" ("" for none).
    also: the value of waba_uninstall_also. check: whether nothing was really done.
    """
    down = next((result for result in _results(report) if result.get("unreachable")), None)
    if down:
        reason = f"it cannot be reached: {_message(down)}"
        return [_row(host, "host", host, "not reached", f"{reason}. Run the playbook again when it is back")]
    found = [
        *_failures(host, report),
        *_objects(host, report["objects"]),
        *_files(host, report["files"]),
        *_backups(host, report),
        *_firewall(host, report["firewall"], also),
        *_share(host, report, also),
        *_docker(host, report, also),
        *_left(host, report, check),
    ]
    if check:
        found = [
            {**row, "outcome": "would be removed" if row["outcome"] == "removed" else row["outcome"]} for row in found
        ]
    return found


def failures(every: Iterable[Row]) -> list[str]:
    """Return a line for each host with a failure; [] if everything requested is removed. every: the rows of all hosts."""
    failed: dict[str, list[str]] = {}
    for row in every:
        if row["outcome"] in ("failed", "not reached"):
            failed.setdefault(row["host"], []).append(f"{row['kind']} {row['name']}: {row['reason']}")
    return [f"{host}: {'; '.join(reasons)}" for host, reasons in failed.items()]


def _row(host: str, kind: str, name: str, outcome: str, reason: str = "") -> Row:
    return {"host": host, "kind": kind, "name": name, "outcome": outcome, "reason": reason}


def _results(report: Mapping[str, Any]) -> list[Result]:
    return [report[part] for part in PARTS]


def _failures(host: str, report: Mapping[str, Any]) -> list[Row]:
    """Return a row for each failure. A host whose every step failed for the same reason gets one row."""
    reasons: dict[str, dict[str, bool]] = {}
    for part, name in PARTS.items():
        if _failed(part, report[part]):
            reasons.setdefault(_message(report[part]), {})[name] = True
    if len(reasons) == 1 and all(_failed(part, report[part]) for part in RESULT_KEYS):
        return [_row(host, "host", host, "failed", reason) for reason in reasons]
    return [_row(host, name, "(all)", "failed", reason) for reason, names in reasons.items() for name in names]


def _failed(part: str, result: Result) -> bool:
    """Return whether a task failed: its result reports a failure, or lacks the key that a good result has."""
    if not result or result.get("skipped"):
        return False
    return result.get("failed", False) or RESULT_KEYS.get(part, "changed") not in result


def _message(result: Result) -> str:
    return " ".join(str(result.get("msg", "no reason was given")).removeprefix("Task failed: ").split())


def _objects(host: str, result: Result) -> list[Row]:
    removed = [_row(host, one["kind"], one["name"], "removed") for one in result.get("removed", [])]
    return removed + [
        _row(host, one["kind"], one["name"], "retained", one["reason"]) for one in result.get("retained", [])
    ]


def _files(host: str, result: Result) -> list[Row]:
    outcomes = {
        "removed": ("removed", ""),
        "foreign": ("retained", "its first line shows that it is not the cluster's"),
    }
    return [_row(host, "file", one["path"], *outcomes[one["action"]]) for one in result.get("files", [])]


def _backups(host: str, report: Mapping[str, Any]) -> Iterator[Row]:
    for one in report["backup"].get("files", []):
        yield _row(host, "file", one["path"], "removed")
    if report["backup"].get("folder"):
        yield _row(host, "folder", report["backup"]["folder"], "retained", "backups are never removed")


def _firewall(host: str, result: Result, also: Collection[str]) -> list[Row]:
    if not result.get("changed"):
        return []
    if "firewall" in also:
        return [_row(host, "firewall", "rules", "removed")]
    return [_row(host, "firewall", "rules", "retained", NOT_REQUESTED.format("firewall"))]


def _share(host: str, report: Mapping[str, Any], also: Collection[str]) -> Iterator[Row]:
    path = report["share_path"]
    if path and "nfs_mount" not in also:
        yield _row(host, "mount", path, "retained", NOT_REQUESTED.format("nfs_mount"))
    elif path and (users := _other_users(path, report["planned"])):
        yield _row(host, "mount", path, "retained", IN_USE.format(", ".join(users)))
    elif report["share"].get("changed"):
        yield _row(host, "mount", path, "removed", "the content of the share is retained")
    if report["export"]:
        yield _row(host, "export", report["export"], "retained", "the content of the share is never removed")


def _other_users(folder: str, planned: Result) -> list[str]:
    """Return the containers outside the cluster that mount a folder."""
    return [user for one in planned.get("retained", []) if one["name"] == folder for user in one.get("used_by", [])]


def _docker(host: str, report: Mapping[str, Any], also: Collection[str]) -> list[Row]:
    docker = report["left"].get("docker", {})
    if report["docker"].get("changed"):
        return [_row(host, "Docker", name, "removed") for name in docker["packages"]]
    if not docker.get("installed"):
        return []
    reason = docker["blocker"] if "docker" in also else NOT_REQUESTED.format("docker")
    return [_row(host, "Docker", "engine", "retained", reason)] if reason else []


def _left(host: str, report: Mapping[str, Any], check: bool) -> list[Row]:
    """Return a row for each object that still exists although it should be removed."""
    if check:
        return []
    retained = {(one["kind"], one["name"]) for one in report["objects"].get("retained", [])}
    left = [
        *(("container", one["name"]) for one in report["left"].get("containers", [])),
        *(("network", name) for name in report["left"].get("networks", [])),
        *(("volume", name) for name in report["left"].get("volumes", [])),
        *(("file", path) for path in report["left"].get("files", [])),
    ]
    return [_row(host, kind, name, "failed", "it still exists") for kind, name in left if (kind, name) not in retained]
