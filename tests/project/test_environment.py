"""Every module runs in the environment that plugins/module_utils/_internal/io/environment.py defines."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "plugins/modules").glob("*.py")}


def main_of(module: ast.Module) -> ast.FunctionDef | None:
    return next((one for one in module.body if isinstance(one, ast.FunctionDef) and one.name == "main"), None)


@pytest.mark.parametrize("name", sorted(name for name, module in MODULES.items() if main_of(module)))
def test_every_module_isolates_its_environment_first(name: str) -> None:
    main = main_of(MODULES[name])
    assert main is not None
    statements = [one for one in main.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    assert ast.unparse(statements[0]).startswith("isolate_environment(")


def test_no_plugin_starts_a_command_with_the_surrounding_environment() -> None:
    """These files start commands from modules and from the backup job only, whose environment is isolated."""
    allowed = {
        "io/subprocess_timeout.py",
        "docker/io/install.py",
        "database/io/client.py",
        "backup/io/job.py",
        "drill/io/fault.py",
    }
    found = {
        str(path.relative_to(ROOT / "plugins/module_utils/_internal"))
        for path in (ROOT / "plugins/module_utils/_internal").rglob("*.py")
        if "subprocess.Popen(" in path.read_text(encoding="utf-8")
        or "subprocess.run(" in path.read_text(encoding="utf-8")
    }
    assert found <= allowed
    assert not [path for path in (ROOT / "plugins").rglob("*.py") if "from_env(" in path.read_text(encoding="utf-8")]
