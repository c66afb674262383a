# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The recorded state of scheduled backups, as metrics and as a report. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STATE_FILE = "state.json"
FORMAT = 1
NO_STATE: dict[str, Any] = {"format": FORMAT, "good": None, "last": None}
METRICS = (  # name, help, path in the state
    (
        "waba_backup_last_success_timestamp_seconds",
        "When the last good backup was finished, in seconds since 1970.",
        ("good", "finished"),
    ),
    ("waba_backup_last_success_size_bytes", "Size of the last good backup.", ("good", "bytes")),
    ("waba_backup_last_success_duration_seconds", "How long the last good backup took.", ("good", "seconds")),
    ("waba_backup_last_run_timestamp_seconds", "When the last run ended, in seconds since 1970.", ("last", "finished")),
    ("waba_backup_last_run_success", "Whether the last run made a good backup.", ("last", "good")),
)
MAX_AGE = ("waba_backup_max_age_seconds", "Age at which the last good backup is too old.")


def succeeded(archive: Mapping[str, Any], finished: float) -> dict[str, Any]:
    """Return the state after a good backup. archive: {"name", "taken_at", "sha256", "bytes", "seconds"}. finished: seconds since 1970."""
    last = {"finished": finished, "good": True, "reason": ""}
    return {"format": FORMAT, "good": {**archive, "finished": finished}, "last": last}


def failed(state: Mapping[str, Any], reason: str, finished: float) -> dict[str, Any]:
    """Return the state after a run that made no good backup."""
    return {**NO_STATE, **state, "last": {"finished": finished, "good": False, "reason": reason}}


def metrics(cluster: str, state: Mapping[str, Any], max_age: int) -> str:
    """Return the state in the text format of Prometheus. max_age: hours."""
    known = [(name, text, state[part][key]) for name, text, (part, key) in METRICS if state[part] is not None]
    return "".join(
        f'# HELP {name} {text}\n# TYPE {name} gauge\n{name}{{cluster="{cluster}"}} {int(value) if isinstance(value, bool) else value}\n'
        for name, text, value in [*known, (*MAX_AGE, max_age * 3600)]
    )


def report(state: Mapping[str, Any], now: float, since: float, max_age: int) -> dict[str, str]:
    """Return {"state", "problem"} for the status of the cluster; the problem is "" where the last good backup is recent enough.

    now, since: seconds since 1970; since is when the schedule was set up, from which the age counts until the first good backup. max_age: hours.
    """
    good, last = state["good"], state["last"]
    seconds = now - (good["finished"] if good else since)
    text = f"last good backup {age(seconds)} ago" if good else "no good backup yet"
    if last and not last["good"]:
        text += f"; the last run failed: {last['reason']}"
    problem = ""
    if seconds > max_age * 3600:
        problem = (
            f"the last good backup is {age(seconds)} old" if good else f"no good backup since {age(seconds)}"
        ) + f", more than waba_backup_max_age ({max_age} h)"
        problem += f": {last['reason']}" if last and not last["good"] else ""
    return {"state": text, "problem": problem}


def age(seconds: float) -> str:
    """Return a duration for operators, in its largest sensible unit."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length or (unit != "d" and seconds >= length):
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"
