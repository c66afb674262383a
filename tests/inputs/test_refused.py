"""Each invalid setting is refused with an exact message, all at once, and no host is touched."""

from __future__ import annotations

import pytest
from cases import RUNS, UNSEEN, Case, row
from conftest import TASKS, Refused

CASES = [(run, case) for run, content in RUNS.items() for case in content["refused"]]


@pytest.mark.parametrize(("run", "case"), CASES, ids=[f"{case[0]}: {case[1]} {case[2]}" for _run, case in CASES])
def test_invalid_setting_is_refused_with_host_value_problem_and_fix(
    refused: dict[str, Refused], run: str, case: Case
) -> None:
    assert row(case) in refused[run].rows, refused[run].output


@pytest.mark.parametrize("run", RUNS)
def test_valid_settings_are_not_refused(refused: dict[str, Refused], run: str) -> None:
    assert refused[run].rows - {row(case) for case in RUNS[run]["refused"]} == set()


@pytest.mark.parametrize("run", UNSEEN)
def test_empty_group_is_refused_by_its_name(refused: dict[str, Refused], run: str) -> None:
    output = " ".join(refused[run].output.split()).replace("''", "'")  # as YAML prints quotes
    assert UNSEEN[run]["message"] in output, refused[run].output


@pytest.mark.parametrize("run", RUNS)
def test_refused_run_executes_preflight_only_and_leaves_nothing(refused: dict[str, Refused], run: str) -> None:
    refusal = refused[run]
    preflight = "".join(file.read_text(encoding="utf-8") for file in TASKS)
    others = {
        task for task in refusal.tasks if f"name: {task}\n" not in preflight and "Validating arguments" not in task
    }
    assert (refusal.status != 0, refusal.changed, others, refusal.left) == (True, 0, set(), ["hosts.yml"])


def test_at_least_forty_settings_are_tested() -> None:
    assert len(CASES) >= 40
