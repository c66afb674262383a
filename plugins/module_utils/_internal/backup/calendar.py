# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The schedule of backups: a cron expression, checked and translated into a calendar expression of systemd. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

EXAMPLE = "30 2 * * *"
DAYS_OF_WEEK = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
LONGEST_MONTHS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}  # other months have 31 days


class Field(NamedTuple):
    """One of the five fields of a cron expression."""

    name: str
    lowest: int
    highest: int


FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of the month", 1, 31),
    Field("month", 1, 12),
    Field("day of the week", 0, 7),
)


def problem_of(expression: str) -> str | None:
    """Return why an expression is no schedule, or None."""
    try:
        parsed(expression)
    except ValueError as error:
        return str(error)
    return None


def parsed(expression: str) -> list[list[int] | None]:
    """Return the sorted values of each of FIELDS, None where the field is "*". Raises ValueError with the problem.

    A field is "*", "*/STEP", or a list of numbers and ranges ("1,3", "1-5", "0-30/10"). Cron runs a job on days that match either the day of the month or
    the day of the week, and systemd on days that match both, so an expression that restricts both is refused.
    """
    parts = expression.split()
    if len(parts) != len(FIELDS):
        raise ValueError(f"it has {len(parts)} fields, not {len(FIELDS)}")
    found = [_values(part, field) for part, field in zip(parts, FIELDS)]
    _minutes, _hours, days, months, weekdays = found
    if days and weekdays:
        raise ValueError("it restricts both the day of the month and the day of the week")
    if days and months and all(days[0] > LONGEST_MONTHS.get(month, 31) for month in months):
        raise ValueError("no such day exists in these months")
    if weekdays:
        found[4] = sorted({day % 7 for day in weekdays})
    return found


def _values(text: str, field: Field) -> list[int] | None:
    if text == "*":
        return None
    found: set[int] = set()
    for part in text.split(","):
        span, _slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            lowest, highest = field.lowest, min(field.highest, 6) if field.name == FIELDS[4].name else field.highest
        else:
            lowest = _number(first, field)
            highest = _number(last, field) if dash else field.highest if step else lowest
        if highest < lowest:
            raise ValueError(f"the range {span} of the {field.name} ends before it begins")
        width = _step(step, part, field) if _slash else 1
        found.update(range(lowest, highest + 1, width))
    return sorted(found)


def _step(text: str, part: str, field: Field) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ValueError(f"the step of {part} of the {field.name} is not a number above 0")
    return int(text)


def _number(text: str, field: Field) -> int:
    if not (text.isascii() and text.isdigit()) or not field.lowest <= int(text) <= field.highest:
        raise ValueError(f"the {field.name} is {text!r}, not a number from {field.lowest} to {field.highest}")
    return int(text)


def systemd_calendar(expression: str) -> str:
    """Return a valid expression as a calendar event of systemd (systemd.time(7)), in the time zone of the host."""
    minutes, hours, days, months, weekdays = parsed(expression)
    week = f"{','.join(DAYS_OF_WEEK[day] for day in weekdays)} " if weekdays else ""
    return f"{week}*-{_listed(months)}-{_listed(days)} {_listed(hours)}:{_listed(minutes)}:00"


def _listed(values: Sequence[int] | None) -> str:
    return ",".join(f"{value:02}" for value in values) if values else "*"
