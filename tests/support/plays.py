"""Playbooks of the collection, run as a user runs them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Result = subprocess.CompletedProcess[str]
CALLBACKS = ""  # enabled callbacks, separated by commas


def run_playbook(inventory: Path, playbook: str, *arguments: str) -> Result:
    """Run a playbook of the collection on the cluster of an inventory, without the settings that molecule has for its own plays."""
    return subprocess.run(
        ["ansible-playbook", str(ROOT / playbook), "-i", str(inventory), *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def environment() -> dict[str, str]:
    """Return the environment of this process with the collection's ansible.cfg instead of any other Ansible setting, without colours."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    enabled = {"ANSIBLE_CALLBACKS_ENABLED": CALLBACKS} if CALLBACKS else {}
    return {**own, **enabled, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}


def one_line(text: str) -> str:
    """Return a text with each run of white space replaced by one space, since Ansible wraps and indents messages."""
    return " ".join(text.split())


def changed(result: Result) -> int:
    """Return how many tasks a run changed; a run that failed fails the test with its output."""
    assert result.returncode == 0, result.stdout + result.stderr
    return sum(int(count) for count in re.findall(r"changed=(\d+)", result.stdout))


def refusal(result: Result) -> str:
    """Return the output, as one line, of a run that must have failed without a change."""
    assert result.returncode != 0, result.stdout
    assert set(re.findall(r"changed=(\d+)", result.stdout)) <= {"0"}, result.stdout
    return one_line(result.stdout)


def backup_archive(result: Result) -> Path:
    """Return the archive that a run of backup.yml wrote."""
    assert changed(result) > 0
    (path,) = set(re.findall(r"waba_restore_archive=(\S+\.tar)", one_line(result.stdout)))
    return Path(path)
