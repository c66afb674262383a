"""Playbooks of the collection, run as a user runs them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def play_on(inventory: Path, playbook: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run one of the collection's playbooks on the cluster of an inventory, without the settings that molecule has for its own plays."""
    return subprocess.run(
        ["ansible-playbook", str(ROOT / playbook), "-i", str(inventory), *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def environment() -> dict[str, str]:
    """Return this process's environment (str to str) with the collection's configuration in place of any other, colours included."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return {**own, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}


def changed(result: subprocess.CompletedProcess) -> int:
    """Return how many tasks a run of a playbook changed; a run that failed fails the test with its output."""
    assert result.returncode == 0, result.stdout + result.stderr
    return sum(int(count) for count in re.findall(r"changed=(\d+)", result.stdout))


def refusal(result: subprocess.CompletedProcess) -> str:
    """Return what a run said that must have failed and changed nothing, as one line."""
    assert result.returncode != 0, result.stdout
    assert set(re.findall(r"changed=(\d+)", result.stdout)) <= {"0"}, result.stdout
    return " ".join(result.stdout.split())


def made_backup(result: subprocess.CompletedProcess) -> Path:
    """Return the archive that a run of backup.yml made."""
    assert changed(result) > 0
    (path,) = set(re.findall(r"waba_restore_archive=(\S+\.tar)", " ".join(result.stdout.split())))
    return Path(path)
