# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status of a cluster: every service with its present role and its problems, from the reports of hosts and webapps. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.certificates import expiry
from ansible_collections.waba.cluster.plugins.module_utils._internal.report import upstream
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.logs import failure_reason
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.members import (
    HEADINGS,
    member_problems,
    member_rows,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.rollout.order import version_of
from ansible_collections.waba.cluster.plugins.module_utils._internal.table import table

COLUMNS = ("host", "service", "role", "gateway", "state", "version", "problem")

BACKUPS = "(scheduled backups)"
NO_KEY_FIX = "Bring waba_secrets.yml here from the machine that ran site.yml, or set waba_api_key; the cluster also needs a webapp."

Results = Mapping[str, Mapping[str, Any]]
Row = dict[str, str]


def status(
    reports: Results,
    answers: Results,
    names: Mapping[str, str],
    whole: bool,
    members: Results | None = None,
    arbitrators: Results | None = None,
) -> dict[str, Any]:
    """Return the status of a cluster as data for JSON.

    reports: {host: the result of `host_info` as Ansible registers it}. answers: {host: the result of `cluster_health_info`} for hosts with webapps.
    names: {host: the name under which other hosts know it}. whole: whether every host of the inventory was asked. members: {host: the result of
    `database_member_info`} for hosts with a database member. arbitrators: the same for a host with their arbitrator.

    `healthy`: whether the cluster reports itself healthy, None if no webapp was asked. `drifted`: whether something differs from the inventory.
    `summary`: one sentence. `nodes`: rows with COLUMNS and `container`. `lags`: {"messages", "webhooks"}. `upstream`: as from `upstream.parse`; {} where
    the Cloud API is not the upstream. `members`: rows with `members.HEADINGS`. `certificates`: rows with
    `expiry.HEADINGS`. `problems`: {"host", "service", "problem"} each.
    """
    health = next((one for one in answers.values() if one.get("nodes")), None)
    known = {node["container"]: node for node in health["nodes"]} if health else {}
    rows = [row for host, report in reports.items() for row in _rows(host, report, known, answers.get(host))]
    if whole and health:
        rows += _unknown_nodes(reports, known, names)
    problems = [{key: row[key] for key in ("host", "service", "problem")} for row in rows if row["problem"]]
    drifted = bool(problems)
    for host, report in reports.items():
        if "backups" in report:
            found = report["backups"]
            rows.append(_row(host, service=BACKUPS, role="(backup)", **found))
            problems += [{"host": host, "service": BACKUPS, "problem": found["problem"]}] if found["problem"] else []
    certificates = {host: report["certificates"] for host, report in reports.items() if report.get("certificates")}
    for host, rows_of_host in certificates.items():
        problems += [
            {"host": host, "service": "(certificate)", "problem": f"{row['setting']}, {row['path']}: {row['problem']}"}
            for row in rows_of_host
            if row["problem"]
        ]
    members = {
        host: {**one, "clock_ahead": reports.get(host, {}).get("clock_ahead")} for host, one in (members or {}).items()
    }
    problems += member_problems(members, arbitrators, whole=whole)
    for problem in _address_problems(reports) if whole else ():
        problems.append({"host": "", "service": "(the virtual address)", "problem": problem})
    for reason in _cluster_reasons(health, answers, rows, whole):
        problems.append({"host": "", "service": "(the cluster)", "problem": reason})
    unanswered = False if answers and whole else None  # a webapp of another host may answer
    states = [one["upstream"] for one in answers.values() if "upstream" in one]
    if health and states:
        # Its reason is that of a coreapp's row, so it is no problem of its own.
        rows.append(_row(**upstream.row(upstream.merged(states), health["nodes"])))
    return {
        "healthy": health["healthy"] if health else unanswered,
        "drifted": drifted,
        "summary": health["summary"] if health else _unknown_health(answers, whole),
        "lags": health.get("lags", {}) if health else {},
        "upstream": upstream.merged(states),
        "nodes": rows,
        "members": [dict(zip(HEADINGS, row)) for row in member_rows(members, arbitrators)],
        "certificates": [dict(zip(expiry.HEADINGS, row)) for row in expiry.table_rows(certificates)],
        "problems": problems,
    }


def status_lines(state: Mapping[str, Any]) -> list[str]:
    """Return the lines of a status for operators: a table and the sentences below it."""
    lines = table([[row[column] for column in COLUMNS] for row in state["nodes"]], COLUMNS)
    if state["members"]:
        lines += ["", *table([list(row.values()) for row in state["members"]], HEADINGS)]
    if state["certificates"]:
        lines += ["", *table([list(row.values()) for row in state["certificates"]], expiry.HEADINGS)]
    lags = ", ".join(f"{count} {name} pending" for name, count in state["lags"].items())
    return [*lines, "", *[line for line in (state["summary"], lags and f"Lags: {lags}.") if line]]


def _rows(host: str, report: Mapping[str, Any], known: Results, answer: Mapping[str, Any] | None) -> Iterator[Row]:
    if "services" not in report:
        yield _row(host, state="DOWN" if report.get("unreachable") else "NOT KNOWN", problem=failure_reason(report))
        return
    if report["error"]:
        yield _row(host, state="NOT KNOWN", problem=report["error"])
    for service in report["services"]:
        node = known.get(service["container"]) if service["container"] else None
        problem = [*service["drift"], *([node["problem"]] if node and node["problem"] else [])]
        yield _row(
            host,
            service=service["service"],
            role=_role(node or service, report),
            gateway=node["gateway_status"] if node else "",
            state=" ".join(word for word in (service["state"], service["health"]) if word) or "missing",
            version=version_of(service["image"]),
            container=service["container"],
            problem="; ".join(problem),
        )
    if (report.get("backup") or {}).get("change"):
        name, _action, difference = report["backup"]["change"]
        yield _row(host, service=name, role="(backup)", problem=difference)
    for name, difference in report["files"].items():
        yield _row(host, service=name, role="(file)", problem=difference)
    if answer and not answer.get("nodes"):
        yield _row(host, service="(the API)", problem="; ".join(answer.get("reasons", [])) or failure_reason(answer))


def _role(service: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """Return the role of a service for operators; of the virtual address, whether this host holds it."""
    if service["role"] != "api_address":
        return str(service["role"])
    return "address_holder" if report.get("holds_address") else "address_standby"


def _address_problems(reports: Results) -> Iterator[str]:
    """Yield the problem of a virtual address that no host holds, or that several hold. A host that did not report may hold it."""
    running = {
        host: report.get("holds_address", False)
        for host, report in reports.items()
        if any(one["role"] == "api_address" and one["state"] == "running" for one in report.get("services", []))
    }
    holders = [host for host, holds in running.items() if holds]
    if running and not holders and all("services" in report for report in reports.values()):
        yield "no host holds it"
    if len(holders) > 1:
        yield f"{' and '.join(holders)} hold it: VRRP packets do not pass between them"


def _unknown_nodes(reports: Results, known: Results, names: Mapping[str, str]) -> Iterator[Row]:
    """Yield a row for each node that the cluster knows and no host has, except nodes of hosts that did not report."""
    containers = {service["container"] for report in reports.values() for service in report.get("services", [])}
    silent = {names.get(host) for host, report in reports.items() if "services" not in report or report["error"]}
    for container, node in known.items():
        if container not in containers and node["name"] not in silent:
            problem = "it is registered, and no host of the inventory has its container"
            problem += f"; {node['problem']}" if node["problem"] else ""
            yield _row(
                node["name"], role=node["role"], gateway=node["gateway_status"], container=container, problem=problem
            )


def _cluster_reasons(health: Mapping[str, Any] | None, answers: Results, rows: list[Row], whole: bool) -> Iterator[str]:
    """Yield the reasons that the cluster reports, except those that a row has already."""
    reported = " ".join(row["problem"] for row in rows)
    if health is None and whole:
        yield _unknown_health(answers, whole) + ("" if answers else f" {NO_KEY_FIX}")
    for reason in health["reasons"] if health else ():
        if reason.partition(": ")[2] not in reported or ": " not in reason:
            yield reason


def _unknown_health(answers: Results, whole: bool) -> str:
    if not answers:
        return "No webapp was asked for the health of the cluster."
    return (
        f"No webapp{'' if whole else ' of these hosts'} answers, so the roles and connections of the nodes are unknown."
    )


def _row(host: str, **cells: str) -> Row:
    return {**dict.fromkeys((*COLUMNS, "container"), ""), "host": host, **cells}
