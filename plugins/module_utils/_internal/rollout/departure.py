# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether hosts can leave a cluster: the remaining ones must be able to serve without them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.logs import failure_reason
from ansible_collections.waba.cluster.plugins.module_utils._internal.rollout.order import is_sound

SETTING = "waba_remove"

Reports = Mapping[str, Mapping[str, Any]]


def departure_problems(
    leaving: Sequence[str], reports: Reports, answers: Reports, facts: Mapping[str, Any]
) -> list[Problem]:
    """Return every problem with these hosts leaving now.

    leaving: hosts. reports: {host: the result of `host_info` as Ansible registers it} for every host of the cluster. answers: {host: the result of
    `cluster_health_info`} for hosts with webapps. facts: {"database": hosts that run it, "arbitrator": the host that votes with two of them,
    "share": hosts that serve the media, "shards": int, "lost": whether the hosts are lost for good, "names": {host: the name under which other hosts know
    it}}.
    """
    if not leaving:
        return [Problem(SETTING, "", "it names no host", "Name one: -e waba_remove=HOST")]
    unknown = [host for host in leaving if host not in reports]
    if unknown:
        known = ", ".join(reports)
        return [Problem(SETTING, host, "the cluster has no such host", f"Name one of {known}") for host in unknown]
    health = next((one["nodes"] for host, one in answers.items() if host not in leaving and one.get("nodes")), None)
    return [
        *_database_and_share(leaving, facts),
        *_reachability(leaving, reports, health or [], facts),
        *_remaining_nodes(leaving, reports, facts["shards"]),
        *_answering_webapp(leaving, health),
    ]


def _database_and_share(leaving: Sequence[str], facts: Mapping[str, Any]) -> Iterator[Problem]:
    for host in leaving:
        if host in facts["database"]:
            yield Problem(SETTING, host, "it runs the cluster's database", "Move the database to another host first")
        if host == facts.get("arbitrator"):
            fix = "Move the arbitrator to another host first"
            yield Problem(SETTING, host, "it is the arbitrator of the cluster's database", fix)
        if host in facts["share"]:
            yield Problem(SETTING, host, "it serves the share for media", "Move the share to another host first")


def _reachability(
    leaving: Sequence[str], reports: Reports, nodes: Sequence[Mapping[str, str]], facts: Mapping[str, Any]
) -> Iterator[Problem]:
    for host in leaving:
        is_reachable = not reports[host].get("unreachable")
        if is_reachable and facts["lost"]:
            yield Problem("waba_remove_lost", True, f"{host} answers, so it can hand over", "Leave it out")
        elif not is_reachable and not facts["lost"]:
            fix = "Start it; or set waba_remove_lost to true, if it is lost for good"
            yield Problem(SETTING, host, f"it cannot hand over: {failure_reason(reports[host])}", fix)
        elif not is_reachable:
            for node in nodes:
                if node["name"] == facts["names"].get(host) and not node["problem"]:
                    problem = f"its {node['role']} ({node['container']}) answers the cluster, so {host} is not lost"
                    fix = "Stop that host, or fix how Ansible connects to it"
                    yield Problem("waba_remove_lost", True, problem, fix)


def _remaining_nodes(leaving: Sequence[str], reports: Reports, shards: int) -> Iterator[Problem]:
    remaining = [report for host, report in reports.items() if host not in leaving]
    services = [one for report in remaining for one in report.get("services", [])]
    for role, required in {"master": 1, "coreapp": shards, "webapp": 1}.items():
        working = sum(1 for one in services if one["role"] == role and is_sound(one))
        if working < required:
            problem = f"without it {working} working {role}(s) would remain, and {required} must"
            fix = "Add one on another host with site.yml, or start stopped ones, first"
            yield Problem(SETTING, ", ".join(leaving), problem, fix)


def _answering_webapp(leaving: Sequence[str], health: object) -> Iterator[Problem]:
    if health is None:
        problem = "no remaining webapp answers, so the health of the cluster without it is unknown"
        yield Problem(SETTING, ", ".join(leaving), problem, "Start a webapp first")
