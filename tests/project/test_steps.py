"""The tasks at which tests kill a run exist under these names."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

import steps  # noqa: E402

NAMES = [
    name
    for path in [*(ROOT / "roles").glob("*/tasks/*.yml"), *(ROOT / "playbooks").glob("*.yml")]
    for name in re.findall(r"^ *- name: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
]


@pytest.mark.parametrize("step", [name for name in vars(steps) if name.isupper()])
def test_task_exists(step: str) -> None:
    assert [name for name in NAMES if getattr(steps, step) in name]
