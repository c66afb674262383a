# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The part of the logs to collect: beginning, end and number of lines, in the formats of `docker logs`. Pure."""

from __future__ import annotations

import datetime
import re

from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

SPAN = re.compile(r"(\d{1,6})([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
FIX = "Write a time, as in '2026-01-31T12:00:00Z', or a duration before now, as in '90m', '12h' or '3d'"


def parse_time(text: str, now: float) -> float | None:
    """Return a time in seconds since 1970, None for "". text: a date and time (UTC if it names no zone), or a duration before now.

    now: seconds since 1970. Raises ValueError.
    """
    if not text:
        return None
    if span := SPAN.fullmatch(text):
        return now - int(span[1]) * SECONDS[span[2]]
    time = datetime.datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)
    return (time if time.tzinfo else time.replace(tzinfo=datetime.timezone.utc)).timestamp()


def window_problems(since: str, until: str, tail: int, now: float) -> list[Problem]:
    """Return the problems of a requested part of the logs. since, until: as for `parse_time`. tail: number of lines, 0 for all."""
    problems, found = [], {}
    for name, text in (("waba_logs_since", since), ("waba_logs_until", until)):
        try:
            found[name] = parse_time(text, now)
        except ValueError:
            problems.append(Problem(name, text, "it is neither a time nor a duration", FIX))
    begin, end = found.get("waba_logs_since"), found.get("waba_logs_until")
    if begin is not None and end is not None and begin >= end:
        problem = f"it is not after waba_logs_since ({since})"
        problems.append(Problem("waba_logs_until", until, problem, "Set a later time, or leave it out"))
    if tail < 0:
        problems.append(
            Problem("waba_logs_tail", tail, "it is not a number of lines", "Use 1 or more, or 0 for all lines")
        )
    return problems
