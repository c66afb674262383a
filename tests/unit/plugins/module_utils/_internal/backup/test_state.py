# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup import state

HOUR = 3600
GOOD = state.succeeded(
    {"name": "waba-1.tar.age", "taken_at": "", "sha256": "00", "bytes": 7, "seconds": 1.5}, 100 * HOUR
)


def test_a_recent_good_backup_is_no_problem() -> None:
    assert state.report(GOOD, 103 * HOUR, 0, 26) == {"state": "last good backup 3 h ago", "problem": ""}


def test_an_old_good_backup_is_a_problem_with_the_reason_of_the_last_failure() -> None:
    failed = state.failed(GOOD, "the disk is full", 126 * HOUR)
    found = state.report(failed, 127 * HOUR, 0, 26)
    assert found["state"] == "last good backup 27 h ago; the last run failed: the disk is full"
    assert (
        found["problem"] == "the last good backup is 27 h old, more than waba_backup_max_age (26 h): the disk is full"
    )


def test_the_age_counts_from_the_schedule_until_the_first_good_backup() -> None:
    assert state.report(state.NO_STATE, 110 * HOUR, 100 * HOUR, 26) == {"state": "no good backup yet", "problem": ""}
    problem = state.report(state.NO_STATE, 150 * HOUR, 100 * HOUR, 26)["problem"]
    assert problem == "no good backup since 2 d, more than waba_backup_max_age (26 h)"


def test_a_failed_run_retains_the_last_good_backup() -> None:
    failed = state.failed(GOOD, "no", 101 * HOUR)
    assert failed["good"] == GOOD["good"]
    assert failed["last"] == {"finished": 101 * HOUR, "good": False, "reason": "no"}


def test_metrics_name_the_cluster_and_omit_unknown_values() -> None:
    text = state.metrics("waba", GOOD, 26)
    assert f'waba_backup_last_success_timestamp_seconds{{cluster="waba"}} {100 * HOUR}\n' in text
    assert 'waba_backup_last_run_success{cluster="waba"} 1\n' in text
    never = state.metrics("waba", state.failed(state.NO_STATE, "no", 1), 26)
    assert "last_success" not in never
    assert 'waba_backup_last_run_success{cluster="waba"} 0\n' in never
    assert state.metrics("waba", state.NO_STATE, 26).splitlines()[2:] == [
        'waba_backup_max_age_seconds{cluster="waba"} 93600'
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "1 h"), (47 * HOUR, "47 h"), (48 * HOUR, "2 d")],
)
def test_ages_are_rounded_down_to_a_sensible_unit(seconds: float, text: str) -> None:
    assert state.age(seconds) == text
