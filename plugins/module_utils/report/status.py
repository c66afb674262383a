# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cluster at a glance: every service with its role of the moment and what is wrong with it, from what hosts and webapps told. Pure."""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.report.logs import why_missing
from ansible_collections.waba.cluster.plugins.module_utils.rollout.order import version_of
from ansible_collections.waba.cluster.plugins.module_utils.table import table

COLUMNS = ("host", "service", "role", "gateway", "state", "version", "problem")

# Only who has the key is answered.
FIX = "Bring waba_secrets.yml here from where site.yml was run, or set waba_api_key; and have a webapp."


def status(reports, answers, names, whole):
    """Return the state of a cluster (dict that JSON can hold).

    reports: {host: the result of `host_status` as Ansible registers it}. answers: {host: the result of `cluster_health`}, of hosts that have webapps.
    names: {host: the name under which the others know it}. whole: bool, whether every host of the inventory was asked.

    `healthy`: the cluster says so of itself, None where it was not asked. `drifted`: something is not as the inventory says. `summary`: one sentence.
    `nodes`: list of dict with COLUMNS and `container`. `lags`: {"messages", "webhooks"}. `problems`: list of {"host", "service", "problem"}.
    """
    health = next((one for one in answers.values() if one.get("nodes")), None)
    seen = {node["container"]: node for node in health["nodes"]} if health else {}
    rows = [row for host, report in reports.items() for row in _rows(host, report, seen, answers.get(host))]
    if whole and health:
        rows += _strangers(reports, seen, names)
    problems = [{key: row[key] for key in ("host", "service", "problem")} for row in rows if row["problem"]]
    drifted = bool(problems)
    for reason in _cluster_reasons(health, answers, rows, whole):
        problems.append({"host": "", "service": "(the cluster)", "problem": reason})
    unasked = False if answers and whole else None  # others may answer
    return {
        "healthy": health["healthy"] if health else unasked,
        "drifted": drifted,
        "summary": health["summary"] if health else _unasked(answers, whole),
        "lags": health.get("lags", {}) if health else {},
        "nodes": rows,
        "problems": problems,
    }


def lines_of(state):
    """Return the lines of a table for people, and the sentences below it."""
    lines = table([[row[column] for column in COLUMNS] for row in state["nodes"]], COLUMNS)
    lags = ", ".join(f"{count} {name} wait" for name, count in state["lags"].items())
    return [*lines, "", *[line for line in (state["summary"], lags and f"Lags: {lags}.") if line]]


def _rows(host, report, seen, answer):
    if "services" not in report:
        yield _row(host, state="DOWN" if report.get("unreachable") else "NOT KNOWN", problem=why_missing(report))
        return
    if report["error"]:
        yield _row(host, state="NOT KNOWN", problem=report["error"])
    for service in report["services"]:
        node = seen.get(service["container"]) if service["container"] else None
        problem = [*service["drift"], *([node["problem"]] if node and node["problem"] else [])]
        yield _row(
            host,
            service=service["service"],
            role=(node or service)["role"],
            gateway=node["gateway_status"] if node else "",
            state=" ".join(word for word in (service["state"], service["health"]) if word) or "missing",
            version=version_of(service["image"]),
            container=service["container"],
            problem="; ".join(problem),
        )
    for name, fault in report["files"].items():
        yield _row(host, service=name, role="(file)", problem=fault)
    if answer and not answer.get("nodes"):
        yield _row(host, service="(the API)", problem="; ".join(answer.get("reasons", [])) or why_missing(answer))


def _strangers(reports, seen, names):
    known = {service["container"] for report in reports.values() for service in report.get("services", [])}
    unasked = {names.get(host) for host, report in reports.items() if "services" not in report or report["error"]}
    for container, node in seen.items():
        if container not in known and node["name"] not in unasked:
            problem = "it is registered, and no host of the inventory has its container"
            problem += f"; {node['problem']}" if node["problem"] else ""
            yield _row(
                node["name"], role=node["role"], gateway=node["gateway_status"], container=container, problem=problem
            )


def _cluster_reasons(health, answers, rows, whole):
    """Yield what the cluster itself says, but for what a row says already."""
    told = " ".join(row["problem"] for row in rows)
    if health is None and whole:
        yield _unasked(answers, whole) + ("" if answers else f" {FIX}")
    for reason in health["reasons"] if health else ():
        if reason.partition(": ")[2] not in told or ": " not in reason:
            yield reason


def _unasked(answers, whole):
    if not answers:
        return "No webapp was asked how the cluster is."
    return (
        f"No webapp{'' if whole else ' of these hosts'} answers, so nobody can say who is primary and who is connected."
    )


def _row(host, **cells):
    return {**dict.fromkeys((*COLUMNS, "container"), ""), "host": host, **cells}
