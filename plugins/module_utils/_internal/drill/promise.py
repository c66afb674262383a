# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the cluster promises when it loses some of its containers (docs/operate/drill.md, docs/understand/architecture.md). Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.plan import LONGEST, SHORTEST
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

# Of the node: roles/images/files/node/src/waba_node/control/failure_detector.py and lease.py. Seconds.
SILENT_IN_DATABASE = 120.0
SHORTEST_LEASE, HEARTBEATS_PER_LEASE = 2.0, 3

WRITER_REPLACED = 3.0  # seconds until another database member writes (docs/understand/database.md)
# Seconds for promotion, connection and the webapps' next reading of the shard map; less than 1 s on an idle machine.
REACTION = 5.0
RESTART = 30.0  # seconds for the start of a container, and the recovery of the database
OBSERVED_AFTER = 15  # seconds for which the fault lasts after the promised takeover
WITHOUT_TAKEOVER = 30  # seconds of a fault that nothing takes over

MASTERS = ("primary_master", "secondary_master")

Row = Mapping[str, str]


def lease_delay(heartbeat: float, unhealthy: float) -> float:
    """Return after how many seconds another master takes the lease."""
    return max(SHORTEST_LEASE, min(unhealthy, HEARTBEATS_PER_LEASE * heartbeat))


def promise(
    lost: Sequence[Row],
    nodes: Sequence[Row],
    intervals: Mapping[str, float],
    duration: int = 0,
    *,
    members: Sequence[str] = (),
    writer: str = "",
) -> dict[str, Any]:
    """Return what is promised for the loss of some containers.

    lost, nodes: rows of `report.status.status`; `nodes` contains `lost`. intervals: {"heartbeat", "unhealthy"} of the application settings. duration:
    of the fault, 0 to choose. members, writer: as for `plan.plan`. All durations in seconds.

    `pause`: for how long messages may be refused from the beginning of the fault; 0 for not at all. `reads_pause`: the same for other calls.
    `takeovers`: {role: seconds} until another coreapp is connected, or another master is primary. `duration`: of the fault. `recovery`: from the end of
    the fault until the cluster is healthy. `reasons`: a sentence for each figure. `problems`: Problem as dict.
    """
    gone = {row["container"] for row in lost}
    remaining = [row for row in nodes if row["container"] not in gone]
    reasons: list[str] = []
    takeovers: dict[str, float] = {}
    database = _database_takeover(lost, nodes, members, writer, reasons)
    waits = database
    if not math.isinf(database):  # lease and shard map are in the database, so nothing is taken over without it
        lease = _lease_takeover(lost, remaining, intervals, reasons)
        coreapp = _coreapp_takeover(lost, remaining, intervals, reasons)
        takeovers.update({"master": database + lease} if lease else {})
        if coreapp:
            # At worst one detection begins when the former has ended.
            waits = database + lease + coreapp
            takeovers.update({} if math.isinf(coreapp) else {"coreapp": waits})
    longest = max([0.0, *takeovers.values()])
    chosen = WITHOUT_TAKEOVER if math.isinf(waits) else math.ceil(longest) + OBSERVED_AFTER
    lasts = duration or max(SHORTEST, chosen)
    recovery = intervals["unhealthy"] + RESTART
    endless = lasts + recovery
    reasons.append(f"healthy {recovery:g} s after the fault: start of the containers and unhealthy_interval")
    return {
        "pause": endless if math.isinf(waits) else waits,
        "reads_pause": endless if math.isinf(database) else database,
        "takeovers": takeovers,
        "duration": lasts,
        "recovery": recovery,
        "reasons": reasons,
        "problems": [problem._asdict() for problem in _problems(lasts, longest, given=bool(duration))],
    }


def _lease_takeover(
    lost: Sequence[Row], remaining: Sequence[Row], intervals: Mapping[str, float], reasons: list[str]
) -> float:
    """Return the seconds until another master is primary; 0 where the primary master is not lost, or no other one remains."""
    if not any(row["role"] == "primary_master" for row in lost):
        return 0.0
    if not any(row["role"] in MASTERS for row in remaining):
        reasons.append("no other master remains: messages are accepted, and no coreapp is promoted")
        return 0.0
    delay = lease_delay(intervals["heartbeat"], intervals["unhealthy"])
    reasons.append(
        f"another master is primary after {delay + REACTION:g} s: the takeover delay of the lease, and {REACTION:g} s"
    )
    return delay + REACTION


def _coreapp_takeover(
    lost: Sequence[Row], remaining: Sequence[Row], intervals: Mapping[str, float], reasons: list[str]
) -> float:
    """Return the seconds until every shard has another coreapp; 0 where none is lost, infinity where none can take over."""
    connected = [row for row in lost if row["role"] == "coreapp" and row["gateway"] == "connected"]
    if not connected:
        return 0.0
    standbys = [row for row in remaining if row["role"] == "coreapp" and row["gateway"] == "disconnected"]
    masters = [row for row in remaining if row["role"] in MASTERS]
    if len(standbys) < len(connected) or not masters:
        what = "no standby coreapp" if masters else "no master"
        reasons.append(f"{what} remains: messages are refused until the fault has ended")
        return math.inf
    if len(masters) == 1:
        reasons.append(f"one master remains, so the database monitor detects the loss, within {SILENT_IN_DATABASE:g} s")
        return SILENT_IN_DATABASE + REACTION
    reasons.append(
        f"another coreapp is connected after {intervals['unhealthy'] + REACTION:g} s: unhealthy_interval, and {REACTION:g} s"
    )
    return intervals["unhealthy"] + REACTION


def _database_takeover(
    lost: Sequence[Row], nodes: Sequence[Row], members: Sequence[str], writer: str, reasons: list[str]
) -> float:
    """Return the seconds until the database accepts writes; 0 where no database server is lost, infinity where no other one takes over."""
    hosts = [row["host"] for row in lost if row["role"] == "mysql"]
    if not hosts:
        return 0.0
    arbitrators = sum(row["role"] == "arbitrator" for row in nodes)
    remaining = len(members) - len(hosts)
    votes = remaining + arbitrators - sum(row["role"] == "arbitrator" for row in lost)
    if remaining < 1 or 2 * votes <= len(members) + arbitrators:
        reason = "no majority of the database members remains" if members else "the database is one server"
        reasons.append(f"{reason}: messages are refused until the fault has ended")
        return math.inf
    which = "the writer" if writer in hosts else "a reader"
    reasons.append(f"the other database members replace {which} within {WRITER_REPLACED + REACTION:g} s")
    return WRITER_REPLACED + REACTION


def _problems(duration: int, takeover: float, *, given: bool) -> list[Problem]:
    if duration > LONGEST:
        fix = "Lower unhealthy_interval, or choose another target"
        return [Problem("waba_drill_duration", duration, f"the takeover takes more than {LONGEST} s", fix)]
    if given and duration <= takeover:
        fix = f"Use {math.ceil(takeover) + 1} or more, or 0 to let the drill choose"
        problem = f"the fault would end before the takeover, which takes up to {takeover:g} s"
        return [Problem("waba_drill_duration", duration, problem, fix)]
    return []
