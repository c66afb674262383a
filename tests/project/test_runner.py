"""tests/run.py names what runs, and its plugin for pytest reports progress and failures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import run  # noqa: E402

PLAYBOOK = "PLAY [Verify] ***\n\nTASK [waba.cluster.images : Build the images] ****\nok: [localhost]\n"


@pytest.mark.parametrize(
    ("log", "progress", "expected"),
    [
        (PLAYBOOK, "3 of 9 tests done; running tests/test_a.py::test_b", "3 of 9 tests done; running tests/test_a.py::test_b"),
        (PLAYBOOK, "", "1 tasks done; running waba.cluster.images : Build the images"),
        (
            "[gw0] [ 10%] PASSED tests/a.py::test_a\n[gw1] [ 20%] FAILED tests/a.py::test_b\n",
            "",
            "2 tests done (20 %); the last is tests/a.py::test_b",
        ),
        ("Collecting ...\n\n", "", "Collecting ..."),
        ("", "", "no output so far"),
    ],
)  # fmt: skip
def test_current_step_is_the_test_or_the_task_that_runs(log: str, progress: str, expected: str) -> None:
    assert run.current_step(log, progress) == expected


def test_plugin_writes_progress_and_failures(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_good(): pass\ndef test_bad(): assert 1 == 2\n", encoding="utf-8")
    files = {"WABA_TEST_PROGRESS": str(tmp_path / "progress"), "WABA_TEST_FAILURES": str(tmp_path / "failures")}
    path = {"PYTHONPATH": str(ROOT / "tests/support/pytest_plugin"), "PYTEST_ADDOPTS": "-p progress"}
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(
        command, env={**os.environ, **path, **files}, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert (tmp_path / "progress").read_text(encoding="utf-8") == "2 of 2 tests done, 1 failed"
    failures = (tmp_path / "failures").read_text(encoding="utf-8")
    assert "test_it.py::test_bad (call)" in failures
    assert "assert 1 == 2" in failures


def test_failed_stage_prints_its_failures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "units.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)), encoding="utf-8")
    run.print_failure(log)
    assert capsys.readouterr().out.split()[-1] == "99"
    log.with_suffix(".failures").write_text("--- test_it.py::test_bad (call)\n", encoding="utf-8")
    run.print_failure(log)
    assert capsys.readouterr().out == "    --- test_it.py::test_bad (call)\n"
