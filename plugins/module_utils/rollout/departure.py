# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether hosts may leave a cluster: what would be left without them must be able to go on. Pure (rules: the mission's and ours)."""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils.report.logs import why_missing
from ansible_collections.waba.cluster.plugins.module_utils.rollout.order import is_sound

SETTING = "waba_remove"


def departure_problems(leaving, reports, answers, facts):
    """Return everything (list of Problem) that speaks against these hosts leaving now.

    leaving: list of hosts. reports: {host: the result of `host_status` as Ansible registers it}, of every host of the cluster. answers: {host: the result of
    `cluster_health`}, of hosts with webapps. facts: {"database": hosts that run it, "share": hosts that serve the media, "shards": int,
    "lost": bool, the hosts are gone for good, "names": {host: the name under which the others know it}}.
    """
    if not leaving:
        return [Problem(SETTING, "", "it names no host", "Name one: -e waba_remove=HOST")]
    unknown = [host for host in leaving if host not in reports]
    if unknown:
        known = ", ".join(reports)
        return [Problem(SETTING, host, "the cluster has no such host", f"Name one of {known}") for host in unknown]
    health = next((one["nodes"] for host, one in answers.items() if host not in leaving and one.get("nodes")), None)
    return [
        *_served_by(leaving, facts),
        *_reached(leaving, reports, health or [], facts),
        *_left(leaving, reports, facts["shards"]),
        *_asked(leaving, health),
    ]


def _served_by(leaving, facts):
    for host in leaving:
        if host in facts["database"]:
            yield Problem(SETTING, host, "it runs the cluster's database", "Move the database to another host first")
        if host in facts["share"]:
            yield Problem(SETTING, host, "it serves the share for media", "Move the share to another host first")


def _reached(leaving, reports, nodes, facts):
    for host in leaving:
        answers = not reports[host].get("unreachable")
        if answers and facts["lost"]:
            yield Problem("waba_remove_lost", True, f"{host} answers, so it can hand over", "Leave it out")
        elif not answers and not facts["lost"]:
            fix = "Start it; or set waba_remove_lost to true, if it is gone for good"
            yield Problem(SETTING, host, f"it cannot hand over: {why_missing(reports[host])}", fix)
        elif not answers:
            alive = [node for node in nodes if node["name"] == facts["names"].get(host) and not node["problem"]]
            for node in alive:
                problem = f"its {node['role']} ({node['container']}) answers the cluster, so {host} is not gone"
                yield Problem("waba_remove_lost", True, problem, "Stop that host, or fix how Ansible connects to it")


def _left(leaving, reports, shards):
    needed = {"master": 1, "coreapp": shards, "webapp": 1}
    staying = [report for host, report in reports.items() if host not in leaving]
    services = [one for report in staying for one in report.get("services", [])]
    for role, least in needed.items():
        left = sum(1 for one in services if one["role"] == role and is_sound(one))
        if left < least:
            problem = f"without it {left} {role}(s) that work would be left, and {least} must be"
            yield Problem(
                SETTING,
                ", ".join(leaving),
                problem,
                "Add one elsewhere with site.yml, or start what stands still, first",
            )


def _asked(leaving, health):
    if health is None:
        problem = "no webapp that stays answers, so nobody can tell whether the cluster is well without it"
        yield Problem(SETTING, ", ".join(leaving), problem, "Start a webapp first")
