# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What came of each host when logs were collected, and why nothing did. Pure."""

from __future__ import annotations

COLUMNS = ("host", "container", "lines", "bytes", "note")


def report_rows(reports, came):
    """Return a row (dict with COLUMNS) for each container, and for each host that has none to tell of.

    reports: {host: the result of `host_logs` as Ansible registers it}. came: hosts whose archives were fetched.
    """
    rows = []
    for host, report in reports.items():
        containers = report.get("containers", [])
        if host not in came:
            rows.append(_row(host, f"MISSING: {why_missing(report)}"))
        elif not containers:
            rows.append(_row(host, report.get("note") or "no container of the cluster is here"))
        else:
            rows += [{"host": host, **one} for one in containers]
    return rows


def why_missing(report):
    """Return why nothing came of a host (str)."""
    said = " ".join(str(report.get("msg") or "its archive could not be fetched").removeprefix("Task failed: ").split())
    return f"it cannot be reached: {said}" if report.get("unreachable") else said


def _row(host, note):
    return {"host": host, "container": "", "lines": "", "bytes": "", "note": note}
