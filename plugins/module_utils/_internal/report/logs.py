# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The outcome of a collection of logs for each host. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

COLUMNS = ("host", "container", "lines", "bytes", "note")

Row = dict[str, Any]


def report_rows(reports: Mapping[str, Mapping[str, Any]], fetched: Collection[str]) -> list[Row]:
    """Return a row (with COLUMNS) for each container, and for each host without containers or archive.

    reports: {host: the result of `log_archive` as Ansible registers it}. fetched: the hosts whose archives were fetched.
    """
    rows: list[Row] = []
    for host, report in reports.items():
        containers = report.get("containers", [])
        if host not in fetched:
            rows.append(_row(host, f"MISSING: {failure_reason(report)}"))
        elif not containers:
            rows.append(_row(host, report.get("note") or "the host has no container of the cluster"))
        else:
            rows += [{"host": host, **one} for one in containers]
    return rows


def failure_reason(report: Mapping[str, Any]) -> str:
    """Return the reason why a host has no result."""
    message = str(report.get("msg") or "its archive could not be fetched").removeprefix("Task failed: ")
    reason = " ".join(message.split())
    return f"it cannot be reached: {reason}" if report.get("unreachable") else reason


def _row(host: str, note: str) -> Row:
    return {"host": host, "container": "", "lines": "", "bytes": "", "note": note}
