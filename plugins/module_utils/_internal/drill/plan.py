# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a drill loses, and under which traffic: the containers of the target, the webapp that is measured, and the reasons against it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.recipients import one_for_each_shard
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.validation import is_vendor_image

TARGETS = {
    "coreapp": "a connected coreapp",
    "master": "the primary master",
    "database": "the database",
    "host": "a host",
}
FAULTS = {"kill": "killed", "freeze": "frozen", "isolate": "cut off"}
SHORTEST, LONGEST = 5, 900  # seconds of a fault
FASTEST, SLOWEST = 0.1, 60.0  # seconds between two test messages
INTERVAL = 0.2  # seconds between two test messages where none leaves the cluster
PAIR_INTERVAL = 6.0  # seconds; Meta delivers one message to a user in this time, apart from short bursts
RECIPIENT = re.compile(r"[0-9]{7,15}")
TICK = 0.05  # seconds between two messages to different recipients
DATABASE_ROLES = ("mysql", "guard", "arbitrator")
CONTAINER_ROLES = (*DATABASE_ROLES, "proxy", "master", "primary_master", "secondary_master", "coreapp", "webapp")

Row = Mapping[str, str]
Settings = Mapping[str, Any]


def plan(
    settings: Settings,
    nodes: Sequence[Row],
    webapps: Sequence[str],
    *,
    shards: int = 1,
    members: Sequence[str] = (),
    writer: str = "",
) -> dict[str, Any]:
    """Return {"problems", "host", "lost", "traffic_host", "recipients", "interval", "title"} of a drill.

    settings: as from `settings_of`, without problems. nodes: the rows of `report.status.status`. webapps: the hosts whose webapp reports the cluster
    healthy, in the order of the inventory. members: the hosts of several database members, of which `writer` writes; empty for one server.

    `problems`: Problem as dict; the other values are empty or partial where there is one. `host`: on which the fault occurs. `lost`: the rows of the
    containers that it affects. `traffic_host`: whose webapp receives the test traffic. `recipients`: of the messages, one for each shard unless the
    settings name one. `interval`: seconds between two messages to the same recipient.
    """
    candidates = list(_candidates(settings["target"], nodes, writer))
    chosen = [row for row in candidates if settings["host"] in ("", row["host"])]
    if settings["target"] != "host":
        chosen = chosen[:1]
    host = chosen[0]["host"] if chosen else settings["host"]
    remaining = [one for one in webapps if one != host]
    here = [] if settings["target"] == "host" else [one for one in webapps if one == host]
    traffic_host = next(iter([*remaining, *here]), "")
    recipients = [settings["recipient"]] if settings["recipient"] else one_for_each_shard(shards)
    interval = settings["interval"] or (PAIR_INTERVAL if delivers(settings) else INTERVAL)
    problems = list(_target_problems(settings, candidates, chosen))
    if chosen:
        problems += _isolation_problems(settings, chosen, members)
        problems += [] if traffic_host else [_no_webapp(settings, host)]
    return {
        "problems": [problem._asdict() for problem in problems],
        "host": host,
        "lost": chosen,
        "traffic_host": traffic_host,
        "recipients": recipients,
        "interval": max(interval, TICK * len(recipients)),
        "title": _title(settings, chosen),
    }


def settings_of(variables: Mapping[str, Any], images: Sequence[str]) -> dict[str, Any]:
    """Return the settings of a drill, waba_drill_*, by the rest of their names; with the `upstream` and the `images` of the nodes.

    variables: of a host, by name, in the types of their specifications. images: of its nodes.
    """
    environment = variables["waba_environment"] or {}
    return {
        **{
            name: variables[f"waba_drill_{name}"]
            for name in ("target", "host", "fault", "duration", "interval", "recipient")
        },
        "upstream": environment.get("WABA_UPSTREAM", variables["waba_upstream"]),
        "images": list(images),
    }


def delivers(settings: Settings) -> bool:
    """Return whether a test message reaches a real user: through the Cloud API, or through the vendor's client."""
    return settings["upstream"] == "cloud" or any(is_vendor_image(image) for image in settings["images"])


def setting_problems(settings: Settings) -> list[Problem]:
    """Return the problems of the settings of a drill, as from `settings_of`; none without a target, since there is no drill then."""
    target, fault, host = settings["target"], settings["fault"], settings["host"]
    if not target:
        return []
    problems = []
    if target not in TARGETS:
        problem = f"there is no target {target!r}"
        problems.append(Problem("waba_drill_target", target, problem, f"Use one of {', '.join(TARGETS)}"))
    if fault not in FAULTS:
        problem = f"there is no fault {fault!r}"
        problems.append(Problem("waba_drill_fault", fault, problem, f"Use one of {', '.join(FAULTS)}"))
    if target == "host" and not host:
        problems.append(
            Problem("waba_drill_host", "", "the target is a host, and none is named", "Name one of the inventory")
        )
    return [*problems, *_duration_problems(settings["duration"]), *_traffic_problems(settings)]


def _duration_problems(duration: int) -> Iterator[Problem]:
    if duration and not SHORTEST <= duration <= LONGEST:
        fix = f"Use {SHORTEST} to {LONGEST}, or 0 to let the drill choose"
        yield Problem("waba_drill_duration", duration, "a fault cannot last for so many seconds", fix)


def _traffic_problems(settings: Settings) -> Iterator[Problem]:
    recipient, interval = settings["recipient"], settings["interval"]
    real = delivers(settings)
    if recipient and not RECIPIENT.fullmatch(recipient):
        fix = "Use the country code and the number, 7 to 15 digits"
        yield Problem("waba_drill_recipient", recipient, "it is not a phone number", fix)
    elif real and not recipient:
        fix = "Name a number whose owner expects the messages"
        problem = "the upstream delivers the test messages to a real user, and none is named"
        yield Problem("waba_drill_recipient", "", problem, fix)
    lowest = PAIR_INTERVAL if real else FASTEST
    if interval and not lowest <= interval <= SLOWEST:
        reason = "Meta delivers one message in 6 s to a user" if real and interval < lowest else "it is out of range"
        fix = f"Use {lowest:g} to {SLOWEST:g}, or 0 to let the drill choose"
        yield Problem("waba_drill_interval", interval, reason, fix)


def _candidates(target: str, nodes: Sequence[Row], writer: str) -> Iterator[Row]:
    """Yield the running containers that a target can mean."""
    for row in nodes:
        means = {
            "host": row["role"] in CONTAINER_ROLES,
            "coreapp": row["role"] == "coreapp" and row["gateway"] == "connected",
            "master": row["role"] == "primary_master",
            "database": row["role"] == "mysql" and writer in ("", row["host"]),
        }
        if means[target] and row["container"] and row["state"].startswith("running"):
            yield row


def _target_problems(settings: Settings, candidates: Sequence[Row], chosen: Sequence[Row]) -> Iterator[Problem]:
    target, host = settings["target"], settings["host"]
    if chosen:
        return
    hosts = ", ".join(dict.fromkeys(row["host"] for row in candidates))
    if candidates:
        noun = "has no container of the cluster" if target == "host" else f"does not run {TARGETS[target]}"
        yield Problem("waba_drill_host", host, f"this host {noun}", f"Name one of {hosts}, or leave it out")
    elif target == "coreapp":
        yield Problem("waba_drill_target", target, "no coreapp is connected upstream", "Register the number first")
    elif target == "database":
        problem = "the cluster does not run its database"
        yield Problem("waba_drill_target", target, problem, "Use another target, or the tools of that server")
    else:
        yield Problem("waba_drill_target", target, "no such container runs", "Start the cluster first")


def _isolation_problems(settings: Settings, chosen: Sequence[Row], members: Sequence[str]) -> Iterator[Problem]:
    in_host_network = [row for row in chosen if row["role"] in DATABASE_ROLES]
    shared = [row["service"] for row in in_host_network if row["role"] == "arbitrator" or row["host"] in members]
    if settings["fault"] == "isolate" and shared:
        problem = f"{', '.join(shared)} uses the network of its host, so Ansible would be cut off as well"
        yield Problem("waba_drill_fault", "isolate", problem, "Use kill or freeze")


def _no_webapp(settings: Settings, host: str) -> Problem:
    problem = f"no webapp outside of {host} answers, so nothing can be measured"
    return Problem(
        "waba_drill_target", settings["target"], problem, "Use another target, or add a webapp on another host"
    )


def _title(settings: Settings, chosen: Sequence[Row]) -> str:
    if not chosen:
        return ""
    row = chosen[0]
    name = row["host"] if settings["target"] == "host" else f"{row['service']} on {row['host']}"
    return f"{TARGETS[settings['target']]} ({name}) is {FAULTS[settings['fault']]}"
