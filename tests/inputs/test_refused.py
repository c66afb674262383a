"""Every wrong setting is refused by an exact message, all of them at once, and no host is touched."""

from __future__ import annotations

import pytest
from cases import RUNS, UNSEEN, row
from conftest import TASKS, Refused

CASES = [(run, case) for run, content in RUNS.items() for case in content["refused"]]


@pytest.mark.parametrize(("run", "case"), CASES, ids=[f"{case[0]}: {case[1]} {case[2]}" for _run, case in CASES])
def test_it_is_refused_by_name_value_fault_and_mend(refused: dict[str, Refused], run: str, case: tuple) -> None:
    assert row(case) in refused[run].rows, refused[run].output


@pytest.mark.parametrize("run", RUNS)
def test_nothing_else_is_refused(refused: dict[str, Refused], run: str) -> None:
    assert refused[run].rows - {row(case) for case in RUNS[run]["refused"]} == set()


@pytest.mark.parametrize("run", UNSEEN)
def test_plays_that_would_find_no_host_are_refused_by_the_name_of_their_group(
    refused: dict[str, Refused], run: str
) -> None:
    assert UNSEEN[run]["says"] in " ".join(refused[run].output.split()), refused[run].output


@pytest.mark.parametrize("run", RUNS)
def test_nothing_but_preflight_ran_and_nothing_was_left(refused: dict[str, Refused], run: str) -> None:
    one = refused[run]
    preflight = "".join(file.read_text(encoding="utf-8") for file in TASKS)
    others = {task for task in one.tasks if f"name: {task}\n" not in preflight and "Validating arguments" not in task}
    assert (one.status != 0, one.changed, others, one.left) == (True, 0, set(), ["hosts.yml"])


def test_there_are_at_least_forty() -> None:
    assert len(CASES) >= 40
