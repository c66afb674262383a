"""Run the project's tests: ``python3 tests/run.py [STAGE ...]``, every stage but those of BY_NAME when none is named.

Each stage's output goes to .build/logs/STAGE.log; its end is shown when the stage fails. The last line counts stages.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"
LOGS = BUILD / "logs"
PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
SHOWN_LINES = 80

Command = list[str]


def tracked_files() -> list[str]:
    """Return the files that git tracks or would track, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    return [name for name in listed if name and (ROOT / name).is_file()]


def copied_tree(name: str) -> Path:
    """Copy the sources into a collection tree and git work tree of its own.

    ansible-test resolves links, so a linked tree is none to it; and it tests what git lists, which in .build is nothing.
    """
    tree = BUILD / name / "ansible_collections" / "waba" / "cluster"
    shutil.rmtree(BUILD / name, ignore_errors=True)
    for file in tracked_files():
        target = tree / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, target, follow_symlinks=False)
    for arguments in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *arguments], cwd=tree, check=True)
    return tree


def give_ansible_test_a_pip() -> None:
    """Put our bootstrap script where ansible-test looks before it downloads one."""
    import ansible_test._internal.python_requirements as requirements

    version = re.search(r"pip='([\d.]+)'", Path(requirements.__file__).read_text(encoding="utf-8"))
    if version is None:
        raise SystemExit("ansible-test no longer names its pip version where tests/run.py looks for it")
    cache = Path.home() / ".ansible/test/cache" / f"get_pip_{version[1].replace('.', '_')}.py"
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tests/tools/get_pip.py", cache)


def ansible_test(*arguments: str) -> tuple[Command, Path]:
    give_ansible_test_a_pip()
    tree = copied_tree(f"ansible-test-{arguments[0]}")
    return ["ansible-test", *arguments, "--python", PYTHON_VERSION, "--requirements", "--color", "no"], tree


def in_root(*command: str) -> Callable[[], tuple[Command, Path]]:
    return lambda: (list(command), ROOT)


# In this order: what is quick and finds most comes first.
STAGES: dict[str, Callable[[], tuple[Command, Path]]] = {
    "ruff": in_root("sh", "-c", "ruff check . && ruff format --check ."),
    "changelog": in_root("antsibull-changelog", "lint"),
    "ansible-lint": in_root("ansible-lint"),
    "project": in_root(sys.executable, "-m", "pytest", "tests/project"),
    # Docker, Compose and the images that users get: what follows runs against the real ones.
    "images": in_root("ansible-playbook", "-i", "molecule/default/inventory", "molecule/default/create.yml"),
    "inputs": in_root(sys.executable, "-m", "pytest", "tests/inputs"),
    "units": lambda: ansible_test("units"),
    "node": in_root("tests/tools/with_database", sys.executable, "-m", "pytest", "images/node/tests"),
    "database": in_root(sys.executable, "-m", "pytest", "tests/database"),
    "database-mysql": in_root("tests/database/on_mysql"),
    "sanity": lambda: ansible_test("sanity"),
    "molecule-nfs": in_root("molecule", "test", "--scenario-name", "nfs"),
    "molecule-default": in_root("molecule", "test", "--scenario-name", "default"),
    "molecule-upgrade": in_root("molecule", "test", "--scenario-name", "upgrade"),
    "molecule-killed": in_root("molecule", "test", "--scenario-name", "killed"),
    "molecule-database": in_root("molecule", "test", "--scenario-name", "database"),
    "molecule-chaos": in_root("molecule", "test", "--scenario-name", "chaos"),
    "molecule-production": in_root("molecule", "test", "--scenario-name", "production"),
}


# Run only when they are named: longer than every change can wait, or made from a suite of Debian that is not whole every day.
BY_NAME = (
    "molecule-nfs",
    "molecule-upgrade",
    "molecule-production",
    "molecule-killed",
    "molecule-database",
    "database-mysql",
)


def environment() -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "PYTHONPATH": str(ROOT / "images/node/src"),
        "NO_COLOR": "1",
    }


def run(stage: str) -> bool:
    """Run one stage with a sign of life every half minute; return whether it passed."""
    command, folder = STAGES[stage]()
    log = LOGS / f"{stage}.log"
    began = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(), stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        while not finished(process):
            print(f"  {stage}: {time.monotonic() - began:.0f} s, {last_line(log)}", flush=True)
    passed = process.returncode == 0 and "All targets skipped" not in log.read_text(encoding="utf-8", errors="replace")
    if not passed:
        print("\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LINES:]))
    print(
        f"{'ok    ' if passed else 'FAILED'} {stage} ({time.monotonic() - began:.0f} s, {log.relative_to(ROOT)})",
        flush=True,
    )
    return passed


def finished(process: subprocess.Popen) -> bool:
    """Return whether the process ended within half a minute from now."""
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        return False
    return True


def last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1][:100] if lines else "started"


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(STAGES))
    if unknown:
        print(f"No such stage: {', '.join(unknown)}. There are: {', '.join(STAGES)}.")
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    results = {stage: run(stage) for stage in names or [stage for stage in STAGES if stage not in BY_NAME]}
    failed = [stage for stage, passed in results.items() if not passed]
    if failed:
        print(f"Failed: {', '.join(failed)}")
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
