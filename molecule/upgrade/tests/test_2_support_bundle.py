"""The callback that collects the logs after a failed run."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest
from conftest import NAME, play
from plays import one_line

# The control node cannot create the folder for backups.
FAILS = ("-e", "waba_backup_dir=/proc/waba-backups")


@pytest.fixture
def enabled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[str, ...]:
    """Enable the callback; return options of a run whose logs have a folder of their own."""
    monkeypatch.setattr("plays.CALLBACKS", "waba.cluster.support_bundle")
    return ("-e", f"waba_logs_dir={tmp_path}")


def test_a_failed_run_leaves_a_support_bundle_and_its_own_failure(enabled: tuple[str, ...], tmp_path: Path) -> None:
    result = play("backup.yml", *FAILS, *enabled)
    assert result.returncode == 2
    assert "/proc/waba-backups" in one_line(result.stdout.partition("PLAY RECAP")[0])
    (path,) = re.findall(r"^Support bundle: (.+)$", result.stdout, re.MULTILINE)
    assert Path(path).parent == tmp_path
    with tarfile.open(path) as bundle:
        assert any(name.endswith("/debug_output.txt") for name in bundle.getnames())
    assert result.stdout.count("Collecting the support bundle") == 1
    assert NAME in Path(path).name


def test_a_check_and_a_refused_run_leave_none(enabled: tuple[str, ...], tmp_path: Path) -> None:
    assert play("site.yml", "-e", "waba_wait_timeout=soon", *enabled).returncode != 0
    assert play("restore.yml", "-e", "waba_restore_archive=/nowhere.tar", *enabled).returncode != 0
    assert play("restore.yml", "-e", "waba_restore_archive=/nowhere.tar", "--check", *enabled).returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_without_the_callback_nothing_is_collected(tmp_path: Path) -> None:
    assert play("backup.yml", *FAILS, "-e", f"waba_logs_dir={tmp_path}").returncode == 2
    assert list(tmp_path.iterdir()) == []
