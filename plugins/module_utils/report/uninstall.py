# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What became of everything of a cluster on all hosts, as rows of one table (rules: ours)."""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.docker.removal import IN_USE

NOT_ASKED = "waba_uninstall_also does not name {0}"
PARTS = {  # what a step is about, for when it fails; in the order in which they are done
    "going": "containers and networks",
    "objects": "containers and networks",
    "files": "files",
    "firewall": "firewall",
    "share": "mount",
    "left": "proof",
    "docker": "Docker",
}
ANSWERS = {
    "going": "removed",
    "objects": "removed",
    "files": "files",
    "firewall": "installed",
    "left": "containers",
}  # what a good result has


def rows(host, report, also, check):
    """Return the rows of a host: list of {"host", "kind", "name", "outcome", "reason"}; outcome is removed, kept, failed or "not reached".

    report: {part of PARTS: the result of its task as Ansible registers it, or {"skipped": True}; "share_path" and "export" (str, "" for none)}. also: what was
    asked for besides. check: bool, whether nothing was really done.
    """
    down = next((result for result in _results(report) if result.get("unreachable")), None)
    if down:
        wrong = f"it cannot be reached: {_brief(down)}"
        return [_row(host, "host", host, "not reached", f"{wrong}. Run again when it is back")]
    found = [
        *_failures(host, report),
        *_objects(host, report["objects"]),
        *_files(host, report["files"]),
        *_firewall(host, report["firewall"], also),
        *_share(host, report, also),
        *_docker(host, report, also),
        *_left(host, report, check),
    ]
    if check:
        found = [{**row, "outcome": "would go" if row["outcome"] == "removed" else row["outcome"]} for row in found]
    return found


def verdict(every):
    """Return what is wrong in the end (list of str, one a host); [] when all is gone that was to go. every: the rows of all hosts."""
    wrong = {}
    for row in every:
        if row["outcome"] in ("failed", "not reached"):
            wrong.setdefault(row["host"], []).append(f"{row['kind']} {row['name']}: {row['reason']}")
    return [f"{host}: {'; '.join(told)}" for host, told in wrong.items()]


def _row(host, kind, name, outcome, reason=""):
    return {"host": host, "kind": kind, "name": name, "outcome": outcome, "reason": reason}


def _results(report):
    return [report[part] for part in PARTS]


def _failures(host, report):
    """Return a row for each fault; what a host answers to everything is told once."""
    told = {}
    for part, name in PARTS.items():
        if _failed(part, report[part]):
            told.setdefault(_brief(report[part]), {})[name] = True
    if len(told) == 1 and all(_failed(part, report[part]) for part in ANSWERS):
        return [_row(host, "host", host, "failed", reason) for reason in told]
    return [_row(host, name, "(all)", "failed", reason) for reason, names in told.items() for name in names]


def _failed(part, result):
    """Return whether a task failed: it says so, or where it must not end the run, its result lacks what a good one has."""
    if not result or result.get("skipped"):
        return False
    return result.get("failed", False) or ANSWERS.get(part, "changed") not in result


def _brief(result):
    return " ".join(str(result.get("msg", "no reason was given")).removeprefix("Task failed: ").split())


def _objects(host, result):
    removed = [_row(host, one["kind"], one["name"], "removed") for one in result.get("removed", [])]
    return removed + [_row(host, one["kind"], one["name"], "kept", one["reason"]) for one in result.get("kept", [])]


def _files(host, result):
    outcomes = {"removed": ("removed", ""), "foreign": ("kept", "it is not the cluster's: its first line says so")}
    return [_row(host, "file", one["path"], *outcomes[one["action"]]) for one in result.get("files", [])]


def _firewall(host, result, also):
    if not result.get("changed"):
        return []
    kept = "firewall" not in also
    return [
        _row(host, "firewall", "rules", "kept" if kept else "removed", NOT_ASKED.format("firewall") if kept else "")
    ]


def _share(host, report, also):
    found = []
    if report["share_path"] and "nfs_mount" not in also:
        found.append(_row(host, "mount", report["share_path"], "kept", NOT_ASKED.format("nfs_mount")))
    elif report["share_path"] and (users := _others_in(report["share_path"], report["going"])):
        found.append(_row(host, "mount", report["share_path"], "kept", IN_USE.format(", ".join(users))))
    elif report["share"].get("changed"):
        found.append(_row(host, "mount", report["share_path"], "removed", "what the share holds stays"))
    if report["export"]:
        found.append(_row(host, "export", report["export"], "kept", "what the share holds is never removed"))
    return found


def _others_in(folder, going):
    """Return who else mounts a folder (list of str)."""
    return [user for one in going.get("kept", []) if one["name"] == folder for user in one.get("used_by", [])]


def _docker(host, report, also):
    docker = report["left"].get("docker", {})
    if report["docker"].get("changed"):
        return [_row(host, "Docker", name, "removed") for name in docker["packages"]]
    if not docker.get("installed"):
        return []
    reason = docker["stays"] if "docker" in also else NOT_ASKED.format("docker")
    return [_row(host, "Docker", "engine", "kept", reason)] if reason else []


def _left(host, report, check):
    """Return a row for each thing that is there in spite of all, which is none after a run that went well."""
    if check:
        return []
    kept = {(one["kind"], one["name"]) for one in report["objects"].get("kept", [])}
    left = [
        *(("container", one["name"]) for one in report["left"].get("containers", [])),
        *(("network", name) for name in report["left"].get("networks", [])),
        *(("volume", name) for name in report["left"].get("volumes", [])),
        *(("file", path) for path in report["left"].get("files", [])),
    ]
    return [_row(host, kind, name, "failed", "it is still there") for kind, name in left if (kind, name) not in kept]
