"""Plays and tasks are named after their action: an imperative, after the file's prefix in files that others include."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"(?:[A-Z][\w ]* \| )?([A-Z][a-z]+)\b")
# Files that still have names of other kinds; remove a file from here when its names are imperatives.
PENDING: set[str] = set()
FILES = sorted(
    file
    for file in [*(ROOT / "playbooks").glob("*.yml"), *(ROOT / "roles").glob("*/tasks/*.yml")]
    if file.relative_to(ROOT).as_posix() not in PENDING
)
# First words that say nothing about what a task does.
VAGUE = {
    "Go",
    "Have",
    "Know",
    "Let",
    "Look",
    "Note",
    "Say",
    "See",
    "Tell",
    "The",
    "Those",
    "What",
    "Who",
}


def named(entries: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the name of every play and task, "" for one without a name."""
    for entry in entries:
        yield entry.get("name", "")
        for part in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks"):
            yield from named(entry.get(part, []))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_names_begin_with_an_imperative(file: Path) -> None:
    names = list(named(yaml.safe_load(file.read_text(encoding="utf-8")) or []))
    assert [name for name in names if (match := NAME.match(name)) is None or match[1] in VAGUE] == []
