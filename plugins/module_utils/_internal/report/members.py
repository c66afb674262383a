# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state of the database members and of their arbitrator: one row for each, and the problems of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal import clocks
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import ARBITRATOR_SERVICE
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.logs import failure_reason

HEADINGS = ("member", "role", "status", "state", "size", "seqno", "queue", "paused", "clock", "version")
SERVICE = "(the database)"
LONG_QUEUE = 100  # write sets that a member has received and not applied
LARGE_OFFSET = 0.5  # seconds between the clocks of two members; preflight refuses more than 2

ARBITRATOR_PROBLEMS = {  # vote of the arbitrator: problem
    "stopped": "the arbitrator does not run, so the loss of a member stops the other one",
    "no vote": "the members do not count the vote of the arbitrator, so the loss of a member stops the other one",
}

Results = Mapping[str, Mapping[str, Any]]


def member_rows(results: Results, arbitrators: Results | None = None) -> list[tuple[str, ...]]:
    """Return the table of the members and of their arbitrator.

    results: {host: result of `database_member_info`, or the error that Ansible registered; and the `clock_ahead` of `host_info`, where it is known}.
    arbitrators: the same of a host with an arbitrator.
    """
    _middle, offsets = clocks.offsets(_readings(results))
    rows = [_row(host, one, offsets.get(host)) for host, one in results.items()]
    return rows + [_arbitrator_row(host, one) for host, one in (arbitrators or {}).items()]


def member_problems(
    results: Results, arbitrators: Results | None = None, *, whole: bool = True
) -> list[dict[str, str]]:
    """Return {"host", "service", "problem"} of every member that does not serve, of members that disagree, and of an arbitrator that does not vote.

    whole: whether every member of the inventory was asked.
    """
    problems, arbitrators = [], arbitrators or {}
    for host, one in results.items():
        if "running" not in one:
            problems.append(_problem(host, failure_reason(one)))
        elif not one["running"]:
            problems.append(_problem(host, "the member does not run"))
        elif not one.get("serving"):
            seen = " ".join(filter(None, (one.get("status"), one.get("state")))) or "it does not answer"
            problems.append(_problem(host, f"the member is not Primary and Synced with a writer: {seen}"))
        elif one.get("receive_queue", 0) > LONG_QUEUE:
            problems.append(_problem(host, f"the member has {one['receive_queue']} changes to apply"))
    for host, one in arbitrators.items():
        problem = failure_reason(one) if "running" not in one else ARBITRATOR_PROBLEMS.get(_vote(one), "")
        problems += [{"host": host, "service": ARBITRATOR_SERVICE, "problem": problem}] if problem else []
    middle, offsets = clocks.offsets(_readings(results))
    for host, offset in offsets.items():
        if abs(offset) > LARGE_OFFSET:
            side = "ahead of" if offset > 0 else "behind"
            problems.append(_problem(host, f"the clock of the host is {abs(offset):.1f} s {side} {middle}'s"))
    serving = {host: one for host, one in results.items() if one.get("serving")}
    largest = max((one.get("size", 0) for one in serving.values()), default=0)
    if whole and largest > len(results) + len(arbitrators):
        problem = f"a host that is not in the inventory takes part: there are {largest} members. Stop its containers"
        problems.append(_problem("", problem))
    for key, noun in (("uuid", "cluster"), ("writer", "writer")):
        values = {str(one.get(key)): host for host, one in serving.items()}
        if len(values) > 1:
            listed = ", ".join(f"{value} on {host}" for value, host in sorted(values.items()))
            problems.append(_problem("", f"the members name different {noun}s: {listed}"))
    return problems


def _readings(results: Results) -> dict[str, Any]:
    return {host: one["clock_ahead"] for host, one in results.items() if one.get("clock_ahead")}


def _row(host: str, one: Mapping[str, Any], offset: float | None) -> tuple[str, ...]:
    if not one.get("running"):
        return (host, "", "stopped" if "running" in one else "not known", *[""] * (len(HEADINGS) - 3))
    role = "" if not one.get("serving") else "writer" if one.get("is_writer") else "reader"
    paused = one.get("flow_control_paused")
    return (
        host,
        role,
        str(one.get("status") or "no answer"),
        str(one.get("state") or ""),
        *(str(one.get(key, "")) for key in ("size", "seqno", "receive_queue")),
        "" if paused is None else f"{100 * float(paused):.1f} %",
        "" if offset is None else f"{offset:+.1f} s",
        str(one.get("version") or ""),
    )


def _arbitrator_row(host: str, one: Mapping[str, Any]) -> tuple[str, ...]:
    return (host, "arbitrator", _vote(one), *[""] * (len(HEADINGS) - 3))


def _vote(one: Mapping[str, Any]) -> str:
    if "running" not in one:
        return "not known"
    if not one["running"]:
        return "stopped"
    return "votes" if one.get("joined") else "no vote"


def _problem(host: str, problem: str) -> dict[str, str]:
    return {"host": host, "service": "db" if host else SERVICE, "problem": problem}
