# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which part of the logs is wanted: from when, until when, how many lines (forms: as `docker logs` takes them)."""

from __future__ import annotations

import datetime
import re

from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem

SPAN = re.compile(r"(\d{1,6})([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
FIX = "Write a moment, as in '2026-01-31T12:00:00Z', or how long ago it was, as in '90m', '12h' or '3d'"


def moment(text, now):
    """Return a moment in seconds since 1970 (float), or None for "". text: a date and time (UTC where it names no zone), or how long ago.

    now: seconds since 1970. Raises ValueError.
    """
    if not text:
        return None
    if span := SPAN.fullmatch(text):
        return now - int(span[1]) * SECONDS[span[2]]
    found = datetime.datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)
    return (found if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)).timestamp()


def window_problems(since, until, tail, now):
    """Return what is wrong (list of Problem) with the part of the logs that is asked for. since, until: as for `moment`. tail: int, 0 for all."""
    problems, found = [], {}
    for name, text in (("waba_logs_since", since), ("waba_logs_until", until)):
        try:
            found[name] = moment(text, now)
        except ValueError:
            problems.append(Problem(name, text, "it is neither a moment nor how long ago one was", FIX))
    begin, end = found.get("waba_logs_since"), found.get("waba_logs_until")
    if begin is not None and end is not None and begin >= end:
        problem = f"it is not after waba_logs_since ({since})"
        problems.append(Problem("waba_logs_until", until, problem, "Let it be later, or leave it out"))
    if tail < 0:
        problems.append(
            Problem("waba_logs_tail", tail, "it is no number of lines", "Use 1 or more, or 0 for all lines")
        )
    return problems
