"""Every Python file of the collection is importable: each name that it imports from another file exists there."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path.relative_to(ROOT) for path in (ROOT / "plugins").rglob("*.py") if path.stem != "__init__")


@pytest.fixture(scope="module", autouse=True)
def collections_path() -> None:
    sys.path.insert(0, str(ROOT / ".build"))


@pytest.mark.parametrize("file", FILES, ids=str)
def test_plugin_is_importable(file: Path) -> None:
    name = ".".join(file.with_suffix("").parts)
    importlib.import_module(f"ansible_collections.waba.cluster.{name}")


def test_names_of_the_nodes_test_files_are_unique() -> None:
    """pytest imports them as modules of one name space, and refuses to collect two with one name."""
    names = [path.name for path in (ROOT / "images/node/tests").rglob("test_*.py")]
    assert len(names) == len(set(names))
