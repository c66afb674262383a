"""The problems and notices of the console, derived from its other parts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

OLDEST_MESSAGE = 60.0  # seconds that an accepted message may wait
OLDEST_WEBHOOK = 300.0  # seconds that a webhook may wait
OLDEST_UPDATE = 60.0  # seconds that an update of the upstream may wait
DAY = 86400.0
# A certificate is a notice in the last quarter of its validity, and a problem in the last quarter of that time, for at most this long.
CERTIFICATE_NOTICE = 30 * DAY
CERTIFICATE_PROBLEM = 7 * DAY

PROBLEM, NOTICE = "problem", "notice"

Item = tuple[str, str]  # severity and sentence
LIMITS = (
    ("outbox", OLDEST_MESSAGE, "The oldest message in the outbox has waited for {age:.0f} s."),
    ("webhooks", OLDEST_WEBHOOK, "The oldest webhook reports an event of {age:.0f} s ago."),
    ("updates", OLDEST_UPDATE, "The oldest update of the upstream has waited for {age:.0f} s."),
)


def find_attention(state: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what needs attention, problems first. state: the parts of the console; one that could not be read is None."""
    items = [
        *_unread(state["problems"]),
        *_webapp(state["webapp"]),
        *_nodes(state["nodes"]),
        *_shards(state["shards"]),
        *_queues(state["queues"]),
        *_certificates(state["certificates"]),
    ]
    ordered = [item for severity in (PROBLEM, NOTICE) for item in items if item[0] == severity]
    return [{"severity": severity, "text": text} for severity, text in ordered]


def _unread(problems: Mapping[str, str]) -> Iterator[Item]:
    for reason in dict.fromkeys(problems.values()):
        parts = [part for part in problems if problems[part] == reason]
        yield PROBLEM, f"Not read: {', '.join(parts)}: {reason}."


def _webapp(webapp: Mapping[str, Any]) -> Iterator[Item]:
    if webapp["problem"]:
        yield PROBLEM, f"This webapp: {webapp['problem']}."


def _nodes(nodes: Sequence[Mapping[str, Any]] | None) -> Iterator[Item]:
    if nodes is None:
        return
    if not any(node["role"] == "primary_master" and node["status"] != "unreachable" for node in nodes):
        yield PROBLEM, "No primary master answers. Nothing can be promoted or changed; messages are still accepted."
    if len([node for node in nodes if node["role"] != "coreapp"]) == 1:
        yield NOTICE, "There is one master. If it fails, no other one takes its place."
    if not any(node["role"] == "coreapp" and node["status"] == "disconnected" for node in nodes):
        yield NOTICE, "No coreapp is on standby. If a connected one fails, no other one takes its shard."
    for node in nodes:
        if node["problem"]:
            yield PROBLEM, f"{node['name']}: {node['problem']}."


def _shards(shards: Sequence[Mapping[str, Any]] | None) -> Iterator[Item]:
    for shard in shards or ():
        if shard["owner"] is None:
            yield PROBLEM, f"Shard {shard['shard']} has no owner. Its messages wait in the outbox."
        elif not shard["connected"]:
            yield PROBLEM, f"Shard {shard['shard']}: its owner {shard['owner']} is not connected."


def _queues(queues: Mapping[str, Mapping[str, Any]] | None) -> Iterator[Item]:
    if queues is None:
        return
    for name, limit, text in LIMITS:
        age = queues[name]["oldest"]
        if age is not None and age > limit:
            yield PROBLEM, text.format(age=age)
    if uncertain := queues["uncertain"]["waiting"]:
        yield PROBLEM, f"Messages of which it is uncertain whether they were sent: {uncertain}."
    if set_aside := queues["set_aside"]["waiting"]:
        yield NOTICE, f"Updates of the upstream that could not be processed: {set_aside}."


def _certificates(certificates: Sequence[Mapping[str, Any]] | None) -> Iterator[Item]:
    for one in certificates or ():
        subject = f"Certificate ({one['name']})"
        if one["days"] is None:
            yield PROBLEM, f"{subject} {one['problem']}."
        elif one["days"] < 0:
            yield PROBLEM, f"{subject} expired on {one['expires_at'][:10]}."
        elif one["severity"]:
            yield one["severity"], f"{subject} expires in {one['days']} days, on {one['expires_at'][:10]}."


def certificate_severity(remaining: float, validity: float) -> str | None:
    """Return the severity of the expiry of a certificate, None if it needs no attention. remaining, validity: in seconds."""
    notice = min(CERTIFICATE_NOTICE, validity / 4)
    if remaining < 0 or remaining < min(CERTIFICATE_PROBLEM, notice / 4):
        return PROBLEM
    return NOTICE if remaining < notice else None
