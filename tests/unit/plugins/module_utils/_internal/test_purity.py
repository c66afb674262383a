# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

MODULE_UTILS = Path(__file__).parents[5] / "plugins/module_utils/_internal"
PURE = sorted(path for path in MODULE_UTILS.rglob("*.py") if path.parent.name != "io")
# Modules that do I/O or read a clock. Their exceptions are pure.
IMPURE = {"docker", "fcntl", "os", "pymysql", "shutil", "socket", "subprocess", "tempfile", "time", "urllib"}
ALLOWED = {"os.path", "urllib.parse"}


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted names of the modules, and of what is imported from them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def is_impure(name: str) -> bool:
    parts = name.split(".")
    if parts[0] == "ansible_collections":
        return "io" in parts
    return parts[0] in IMPURE and not any(name == one or name.startswith(f"{one}.") for one in ALLOWED)


def test_there_are_pure_modules() -> None:
    assert len(PURE) > 20


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(MODULE_UTILS)))
def test_a_module_outside_io_does_no_io(path: Path) -> None:
    assert [name for name in imports(path) if is_impure(name)] == []


@pytest.mark.parametrize("name", ["os", "os.environ", "time", "urllib.request", "docker.errors", "subprocess.run"])
def test_io_is_recognized(name: str) -> None:
    assert is_impure(name)


def test_pure_names_and_io_folders_are_recognized() -> None:
    assert not is_impure("os.path")
    assert not is_impure("urllib.parse.quote")
    prefix = "ansible_collections.waba.cluster.plugins.module_utils._internal"
    assert is_impure(f"{prefix}.io.files.read")
    assert is_impure(f"{prefix}.docker.io.engine")
    assert not is_impure(f"{prefix}.docker.removal.plan_removal")
