"""The workflow of hosted CI, the Makefile and the documents name the stages of tests/stages.py."""

from __future__ import annotations

import itertools
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from stages import STAGES  # noqa: E402

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "Makefile", ROOT / ".pre-commit-config.yaml"]
# It writes pictures into the checkout.
NO_CHECK = {"console-pictures"}


def variants(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the values of each run of a job with a matrix; {} for a job without one."""
    matrix = job.get("strategy", {}).get("matrix", {})
    if "include" in matrix:
        yield from matrix["include"]
    else:
        for values in itertools.product(*matrix.values()):
            yield dict(zip(matrix, values, strict=True))


def commands(job: dict[str, Any]) -> Iterator[str]:
    """Yield each command of a job, with the values of its matrix."""
    for values in variants(job):
        for step in job["steps"]:
            script = step.get("run", "")
            for name, value in values.items():
                script = script.replace(f"${{{{ matrix.{name} }}}}", value)
            yield from re.split(r"&&|\n", script)


def stages_of(command: str) -> set[str]:
    """Return the names of stages that a command runs. `make` prints the commands of its target."""
    words = shlex.split(command)
    if words[:1] == ["make"]:
        listed = subprocess.run(
            ["make", "--dry-run", *words[1:]], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout
        return {name for line in listed.splitlines() if "tests/run.py" in line for name in stages_of(line)}
    if "tests/run.py" not in words:
        return set()
    names = set(words[words.index("tests/run.py") + 1 :])
    return names or {name for name, stage in STAGES.items() if not stage.by_name}


def stages_of_jobs(*jobs: str) -> set[str]:
    return {name for job in jobs for command in commands(WORKFLOW["jobs"][job]) for name in stages_of(command)}


def test_hosted_ci_runs_every_stage() -> None:
    assert stages_of_jobs(*WORKFLOW["jobs"]) == set(STAGES) - NO_CHECK


def test_hosted_ci_runs_static_checks_and_every_core_for_a_pull_request() -> None:
    jobs = [name for name, job in WORKFLOW["jobs"].items() if "if" not in job]
    quick = {"ruff", "mypy", "words", "imports", "changelog", "ansible-lint", "project"}
    cores = {name for name in STAGES if "-core-" in name}
    assert quick | cores <= stages_of_jobs(*jobs)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_name_stages_that_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = [
        name
        for quoted, plain in re.findall(r'ONLY=(?:"([a-z][^"]*)"|([a-z][\w-]*))', text)
        for name in (quoted or plain).split()
    ]
    named += re.findall(r"tests/run\.py ([a-z][\w-]*)", text) + re.findall(r"`(molecule-[\w-]+)`", text)
    assert [name for name in named if name not in STAGES] == []


def test_the_guide_lists_the_stages_that_run_only_by_name() -> None:
    page = (ROOT / "docs/contribute/testing.md").read_text(encoding="utf-8")
    (sentence,) = re.findall(r"only when they are named: (.+?)\.\n", page, re.DOTALL)
    by_name = {name for name, stage in STAGES.items() if stage.by_name and "-core-" not in name}
    assert set(re.findall(r"`([\w-]+)`", sentence)) == by_name
