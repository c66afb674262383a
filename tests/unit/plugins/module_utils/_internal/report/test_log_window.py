# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.log_window import (
    parse_time,
    window_problems,
)

NOW = 1769860800.0  # 2026-01-31T12:00:00Z


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("30s", NOW - 30),
        ("90m", NOW - 5400),
        ("12h", NOW - 43200),
        ("3d", NOW - 259200),
        ("2026-01-31T12:00:00Z", NOW),
        ("2026-01-31 12:00:00+00:00", NOW),
        ("2026-01-31T13:00:00+01:00", NOW),
        ("2026-01-31T12:00:00", NOW),
        ("2026-01-31", NOW - 43200),
    ],
)
def test_a_time_is_a_date_or_a_duration(text: str, seconds: float | None) -> None:
    assert parse_time(text, NOW) == seconds


@pytest.mark.parametrize("text", ["yesterday", "12", "-3h", "3w", "2026-13-01", "12:00"])
def test_other_texts_are_refused_by_name_and_value(text: str) -> None:
    (problem,) = window_problems(text, "", 0, NOW)
    assert (problem.variable, problem.value) == ("waba_logs_since", text)


def test_the_end_is_after_the_beginning_and_the_lines_are_not_negative() -> None:
    assert window_problems("2h", "1h", 0, NOW) == []
    assert [one.variable for one in window_problems("1h", "2h", -1, NOW)] == ["waba_logs_until", "waba_logs_tail"]
