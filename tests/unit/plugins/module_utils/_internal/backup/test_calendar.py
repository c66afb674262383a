# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import re

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup import calendar
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("30 2 * * *", "*-*-* 02:30:00"),
        ("  0   3  * * 0 ", "Sun *-*-* 03:00:00"),
        ("0 3 * * 7", "Sun *-*-* 03:00:00"),
        ("0 3 * * 1-5", "Mon,Tue,Wed,Thu,Fri *-*-* 03:00:00"),
        ("*/20 * * * *", "*-*-* *:00,20,40:00"),
        ("0 8-20/6 * * *", "*-*-* 08,14,20:00:00"),
        ("0 4/8 * * *", "*-*-* 04,12,20:00:00"),
        ("15 1 1,15 * *", "*-*-01,15 01:15:00"),
        ("0 0 29 2 *", "*-02-29 00:00:00"),
        ("0 0 31 2,3 *", "*-02,03-31 00:00:00"),
    ],
)
def test_a_cron_expression_becomes_a_calendar_event(expression: str, expected: str) -> None:
    assert calendar.problem_of(expression) is None
    assert calendar.systemd_calendar(expression) == expected


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("", "it has 0 fields, not 5"),
        ("daily", "it has 1 fields, not 5"),
        ("0 2 * * * root", "it has 6 fields, not 5"),
        ("60 2 * * *", "the minute is '60', not a number from 0 to 59"),
        ("0 24 * * *", "the hour is '24', not a number from 0 to 23"),
        ("0 2 0 * *", "the day of the month is '0', not a number from 1 to 31"),
        ("0 2 * 13 *", "the month is '13', not a number from 1 to 12"),
        ("0 2 * * mon", "the day of the week is 'mon', not a number from 0 to 7"),
        ("0 5-3 * * *", "the range 5-3 of the hour ends before it begins"),
        ("*/0 2 * * *", "the step of */0 of the minute is not a number above 0"),
        ("1, 2 * * *", "the minute is '', not a number from 0 to 59"),
        ("0 2 1 * 1", "it restricts both the day of the month and the day of the week"),
        ("0 2 31 4,6 *", "no such day exists in these months"),
    ],
)
def test_an_invalid_expression_is_reported_with_the_field(expression: str, problem: str) -> None:
    assert calendar.problem_of(expression) == problem


@given(st.text(st.sampled_from("0123456789*/-, "), max_size=20))
def test_every_expression_is_refused_or_translated(expression: str) -> None:
    if calendar.problem_of(expression) is None:
        event = calendar.systemd_calendar(expression)
        assert re.fullmatch(r"([SMTWF][a-z]{2}(,[SMTWF][a-z]{2})* )?\*-[*\d,]+-[*\d,]+ [*\d,]+:[*\d,]+:00", event)
