# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The problems of all hosts, and between hosts, as one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal import addresses, clocks
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight import virtual_address
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem, value_text, variable_label
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.validation import REDACTED
from ansible_collections.waba.cluster.plugins.module_utils._internal.table import table

HEADINGS = ("host", "setting", "value", "problem", "fix")
MEMBER_CLOCK_TOLERANCE = 2  # seconds: due times and sessions are times of the database, whose writer changes
EVERY_HOST = "every host"
Row = tuple[str, Problem]  # host, problem


def judge(
    reports: Mapping[str, Mapping[str, Any]],
    clock_tolerance: float,
    shared: Mapping[str, Mapping[str, Any]] | None = None,
    secrets: Iterable[str] = (),
    more: Iterable[Row] = (),
) -> dict[str, Any]:
    """Return {"problems": table lines, "warnings": table lines, "count": int, "hosts": int} of a whole cluster.

    reports: {host: {"settings", "checks", "listening", "reach"}}: the host's part of `waba.cluster.topology`, and the results of `host_info` and
    `reachability` as Ansible registers them; a missing one was not asked for. clock_tolerance: seconds by which the clocks of two hosts may differ.
    shared: {host: {variable: value}} of settings that a cluster has one of, as far as the host's variables have them. secrets: those of the variables whose
    values are not reported. more: further problems, by host.
    """
    problems: list[Row] = list(more)
    warnings: list[Row] = []
    for host, report in reports.items():
        for result in report.values():
            problems += [(host, Problem(**one)) for one in result.get("problems", [])]
            warnings += [(host, Problem(**one)) for one in result.get("risks", [])]
        problems += [(host, problem) for problem in _unanswered(report)]
    known = {host: report["checks"] for host, report in reports.items() if _is_comparable(report)}
    problems += (
        _disagreements(known)
        + _uneven(_sound(shared or {}, reports), secrets)
        + _names(known)
        + _taken_address(known)
        + _clocks(known, clock_tolerance)
        + _clocks(_database_members(known), min(clock_tolerance, MEMBER_CLOCK_TOLERANCE))
    )
    warnings += _same_machine(known) + _lone_webapp(known)
    return {
        "problems": _lines(problems, len(reports)),
        "warnings": _lines(warnings, len(reports)),
        "count": len(_merged(problems)),
        "hosts": len({host for host, _problem in problems}),
    }


def _is_comparable(report: Mapping[str, Any]) -> bool:
    return "facts" in report.get("checks", {}) and report.get("settings", {}).get("sound", True)


def _unanswered(report: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for every check that failed on a host; a single one for a host that cannot be reached."""
    for result in report.values():
        if result.get("unreachable"):
            yield Problem(
                "ansible_host",
                "(as in the inventory)",
                f"it cannot be reached: {_brief(result)}",
                "Start it, or fix how Ansible connects to it",
            )
            return
        if "problems" not in result and not result.get("skipped"):
            yield Problem("(the check itself)", "(no answer)", _brief(result), "Fix that on the host, then run again")


def _brief(result: Mapping[str, Any]) -> str:
    return " ".join(str(result.get("msg", "no reason was given")).removeprefix("Task failed: ").split())


def _disagreements(known: Mapping[str, Any]) -> list[Row]:
    """Return a row for each host whose value differs from that of most hosts, where all must have the same."""
    rows = []
    for setting in ("cluster_name", "layout"):
        values = {host: checks["facts"][setting] for host, checks in known.items()}
        most, odd = _odd_ones(values)
        problem = f"most hosts of the cluster have {most!r}"
        rows += [
            (host, Problem(setting, values[host], problem, "Give all hosts of a cluster the same")) for host in odd
        ]
    return rows


def _odd_ones(values: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """Return (the value of most hosts, the hosts with another value). values: {host: value}."""
    most = next((value for value, _count in Counter(values.values()).most_common(1)), None)
    return most, [host for host, value in values.items() if value != most]


def _sound(shared: Mapping[str, Mapping[str, Any]], reports: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the shared settings without those of hosts whose settings are invalid, which are reported already."""
    return {
        host: values for host, values in shared.items() if reports.get(host, {}).get("settings", {}).get("sound", True)
    }


def _uneven(shared: Mapping[str, Mapping[str, Any]], secrets: Iterable[str]) -> list[Row]:
    """Return a row for each host whose value of a shared setting differs from that of most hosts."""
    rows = []
    for variable in sorted({variable for values in shared.values() for variable in values}):
        texts = {host: str(values[variable]) if variable in values else None for host, values in shared.items()}
        most, odd = _odd_ones(texts)
        problem = f"most hosts of the cluster have {'none' if most is None else 'another' if variable in secrets else repr(most)}"
        for host in odd:
            value = REDACTED if variable in secrets and texts[host] is not None else shared[host].get(variable)
            fix = "Give all hosts of a cluster the same, as in group_vars/all"
            rows.append((host, Problem(variable, value, problem, fix)))
    return rows


def _names(known: Mapping[str, Any]) -> list[Row]:
    """Return the rows about the names under which hosts reach each other."""
    rows: list[Row] = []
    seen: dict[str, str] = {}
    several = len(known) > 1
    for host, checks in known.items():
        name, layout = checks["facts"]["external_hostname"], checks["facts"]["layout"]
        if several and layout == "single_server":
            problem = f"on {len(known)} hosts the nodes cannot find each other by service name"
            rows.append((host, Problem("layout", layout, problem, "Set it to role")))
        elif several and addresses.is_own(name):
            problem = "under this name the other hosts find themselves, not this one"
            rows.append(
                (host, Problem("external_hostname", name, problem, "Give a name or address that they can reach"))
            )
        elif addresses.normalized(name) in seen:
            problem = f"{seen[addresses.normalized(name)]} has the same name"
            rows.append((host, Problem("external_hostname", name, problem, "Give every host its own")))
        seen.setdefault(addresses.normalized(name), host)
    return rows


def _clocks(known: Mapping[str, Any], tolerance: float) -> list[Row]:
    """Return a row for each clock that certainly differs from the median clock. The duration of the call is no difference."""
    readings = {host: checks["clock_ahead"] for host, checks in known.items() if "clock_ahead" in checks}
    middle, offsets = clocks.offsets(readings)
    fix = "Let NTP set the clocks of all hosts (timedatectl set-ntp true)"
    rows = []
    for host, offset in offsets.items():
        if abs(offset) > tolerance:
            problem = f"it is {abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'} {middle}'s"
            rows.append((host, Problem("clock", "(now)", problem, fix)))
    return rows


def _taken_address(known: Mapping[str, Any]) -> list[Row]:
    """Return a row for each host at which a foreign machine answers under the virtual address of the API proxies."""
    found = {
        host: checks["facts"]["virtual_address"]
        for host, checks in known.items()
        if "virtual_address" in checks["facts"]
    }
    if any(one["held"] for one in found.values()):
        return []
    return [(host, virtual_address.taken_problem(one["address"])) for host, one in found.items() if one["answers"]]


def _database_members(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hosts that run one of several database members: those with a guard."""
    return {host: checks for host, checks in known.items() if any(node["role"] == "guard" for node in checks["nodes"])}


def _same_machine(known: Mapping[str, Any]) -> list[Row]:
    hosts: dict[str, list[str]] = {}
    for host, checks in known.items():
        if checks["facts"]["machine_id"]:
            hosts.setdefault(checks["facts"]["machine_id"], []).append(host)
    problem = "these hosts have one machine id: either they are one machine, whose loss takes them all, or copies of one image"
    fix = "Use as many machines, or run systemd-machine-id-setup on the copies"
    return [
        (host, Problem("/etc/machine-id", ", ".join(same), problem, fix))
        for same in hosts.values()
        if len(same) > 1
        for host in same
    ]


def _lone_webapp(known: Mapping[str, Any]) -> list[Row]:
    webapps = [host for host, checks in known.items() for node in checks["nodes"] if node["role"] == "webapp"]
    if len(known) < 2 or len(webapps) != 1:
        return []
    problem = "the loss of this one webapp takes the API with it"
    return [(webapps[0], Problem("webapps", 1, problem, "Run another on another machine"))]


def _merged(rows: Iterable[Row]) -> dict[tuple[str, str, str, str], list[str]]:
    """Return {(setting, value, problem, fix): list of hosts}, in order of appearance; a problem that several hosts share is one row."""
    merged: dict[tuple[str, str, str, str], list[str]] = {}
    for host, problem in rows:
        hosts = merged.setdefault(
            (variable_label(problem.variable), value_text(problem.value), problem.problem, problem.fix), []
        )
        if host not in hosts:
            hosts.append(host)
    return merged


def _lines(rows: list[Row], hosts_in_all: int) -> list[str]:
    if not rows:
        return []
    lines = [
        (EVERY_HOST if 1 < len(hosts) == hosts_in_all else ", ".join(hosts), *cells)
        for cells, hosts in _merged(rows).items()
    ]
    return table(lines, HEADINGS)
