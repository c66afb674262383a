# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup import state
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup.io import job
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

AGE = """#!/bin/sh
while [ $# -gt 1 ]; do [ "$1" != --output ] || out=$2; shift; done
{ echo age-encryption.org/v1; cat "$1"; } > "$out"
"""
INFO = {
    "tables": ["message"],
    "versions": ["1.0.0"],
    "taken_at": "2026-01-31 12:00:00",
    "server": "11",
    "revision": "0001",
}
NAME = "waba-20260131120000.tar.age"


class Database:
    """Stands in for the client of a server."""

    def __init__(self, *_arguments: object) -> None:
        pass

    def dump(self, path: str) -> None:
        Path(path).write_bytes(b"dump" * 1000)

    def load(self, path: str) -> None:
        assert Path(path).read_bytes() == b"dump" * 1000

    def rows(self, _statements: str, _database: str | None = None) -> list[tuple[str, ...]]:
        return [("message",)]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The configuration of a host on which every step succeeds."""
    age = tmp_path / "bin/age"
    age.parent.mkdir()
    age.write_text(AGE)
    age.chmod(0o755)
    monkeypatch.setenv("PATH", f"{age.parent}:{os.environ['PATH']}")

    @contextlib.contextmanager
    def running(*_arguments: object) -> Iterator[tuple[Database, dict[str, str], str]]:
        yield Database(), {}, "container"

    monkeypatch.setattr(job, "DatabaseClient", Database)
    monkeypatch.setattr(job, "database_info", lambda _config: INFO)
    monkeypatch.setattr(job.trial_server, "running", running)
    monkeypatch.setattr(job.node_command, "run_beside", lambda *_arguments: INFO)
    (tmp_path / "metrics").mkdir()
    return {
        "cluster_name": "waba",
        "folder": str(tmp_path / "backups"),
        "recipients": ["age1"],
        "keep": 2,
        "max_age": 26,
        "keep_days": 0,
        "copy_command": [],
        "copy_timeout": 10,
        "metrics_folder": str(tmp_path / "metrics"),
        "database": {"name": "waba", "user": "waba"},
        "media": None,
        "node_image": "node",
        "server_image": "server",
    }


def make(config: dict[str, Any]) -> int:
    return job.make_one(config, job.Log(False, "test"))


def archives(config: dict[str, Any]) -> list[str]:
    folder = Path(config["folder"])
    return sorted(path.name for path in folder.glob("*.tar.age")) if folder.exists() else []


def recorded(config: dict[str, Any]) -> dict[str, Any]:
    return json.loads((Path(config["folder"]) / "state.json").read_text())


def test_a_good_backup_is_one_private_file_with_its_checksum_state_and_metrics(config: dict[str, Any]) -> None:
    assert make(config) == 0
    folder = Path(config["folder"])
    assert sorted(path.name for path in folder.iterdir()) == ["state.json", NAME, f"{NAME}.sha256"]
    found = recorded(config)
    assert found["good"]["name"] == NAME
    assert found["last"]["good"] is True
    digest = subprocess.run(["sha256sum", NAME], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert (folder / f"{NAME}.sha256").read_text() == digest
    assert digest.startswith(found["good"]["sha256"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    metrics = Path(config["metrics_folder"]) / "waba_backup_waba.prom"
    assert "waba_backup_last_run_success" in metrics.read_text()
    assert stat.S_IMODE(metrics.stat().st_mode) == 0o644


STEPS = ("database_info", "verify", "encrypt", "copy_elsewhere", "sync_folder")


@pytest.mark.parametrize("step", STEPS[:-1])
@pytest.mark.parametrize(
    "error", [HostError("no"), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), job.Stopped("a signal")], ids=repr
)
def test_a_step_that_fails_leaves_no_archive_and_retains_the_former_state(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, step: str, error: Exception
) -> None:
    assert make(config) == 0
    older = "waba-20250101000000.tar.age"
    os.rename(Path(config["folder"]) / NAME, Path(config["folder"]) / older)
    good = recorded(config)["good"]

    def fail(*_arguments: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(job, step, fail)
        assert make({**config, "keep": 1}) == 1
    assert archives(config) == [older]
    assert recorded(config)["good"] == good
    assert recorded(config)["last"]["good"] is False
    assert (
        'waba_backup_last_run_success{cluster="waba"} 0'
        in (Path(config["metrics_folder"]) / "waba_backup_waba.prom").read_text()
    )
    assert make({**config, "keep": 1}) == 0
    assert archives(config) == [NAME]


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_is_killed_leaves_no_archive_that_is_not_whole(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def kill(*_arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if not pid:
        monkeypatch.setattr(job, step, kill)
        make(config)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
    assert archives(config) == ([NAME] if step == "sync_folder" else [])
    assert not (Path(config["folder"]) / "state.json").exists()
    assert make(config) == 0
    assert archives(config) == [NAME]
    assert not (Path(config["folder"]) / ".work").exists()


def test_a_restored_backup_that_differs_from_its_manifest_is_discarded(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job.node_command, "run_beside", lambda *_arguments: {**INFO, "revision": "0002"})
    assert make(config) == 1
    assert archives(config) == []
    assert "differs from its manifest in: revision" in recorded(config)["last"]["reason"]


def test_the_copy_command_gets_the_archive_without_a_shell(config: dict[str, Any], tmp_path: Path) -> None:
    target = tmp_path / "copy; of $HOME"
    assert make({**config, "copy_command": ["cp", "{archive}", str(target)]}) == 0
    assert target.read_bytes() == (Path(config["folder"]) / NAME).read_bytes()


def test_an_archive_that_was_not_copied_stays_aside_until_the_next_run(config: dict[str, Any]) -> None:
    command = ["sh", "-c", 'test -f "$WABA_BACKUP_ARCHIVE"; echo no route to host >&2; exit 7']
    assert make({**config, "copy_command": command}) == 1
    assert archives(config) == []
    reason = recorded(config)["last"]["reason"]
    assert "failed with status 7: no route to host" in reason
    assert (Path(config["folder"]) / "incomplete" / NAME).exists()
    assert make(config) == 0
    assert not (Path(config["folder"]) / "incomplete").exists()


def test_a_copy_command_that_hangs_is_killed_with_its_children(config: dict[str, Any], tmp_path: Path) -> None:
    command = ["sh", "-c", f"sleep 60 & echo $! > {tmp_path}/pid; wait # {{archive}}"]
    began = time.monotonic()
    assert make({**config, "copy_command": command, "copy_timeout": 1}) == 1
    assert time.monotonic() - began < 20
    assert "did not end within waba_backup_copy_timeout (1 s)" in recorded(config)["last"]["reason"]
    assert ends(int((tmp_path / "pid").read_text()))


def ends(pid: int) -> bool:
    """Return whether a killed process ends; it may be a zombie until its new parent reaps it."""
    for _attempt in range(50):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.1)
    return False


def test_a_missing_copy_command_is_reported_by_its_setting(config: dict[str, Any]) -> None:
    assert make({**config, "copy_command": ["/nowhere/copy", "{archive}"]}) == 1
    assert "waba_backup_copy_command (/nowhere/copy): No such file" in recorded(config)["last"]["reason"]


def test_a_missing_folder_above_is_not_created(config: dict[str, Any], tmp_path: Path) -> None:
    assert make({**config, "folder": str(tmp_path / "unmounted/backups")}) == 1
    assert not (tmp_path / "unmounted").exists()


def test_a_missing_age_is_reported_by_its_package(config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _program: None)
    assert make(config) == 1
    assert "Install the Debian package age" in recorded(config)["last"]["reason"]


def test_a_half_encrypted_archive_is_removed(config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def encrypt(_source: str, target: str, _keys: list[str]) -> None:
        Path(target).write_bytes(b"half")
        raise HostError("no space left on device")

    monkeypatch.setattr(job, "encrypt", encrypt)
    assert make(config) == 1
    assert list((Path(config["folder"]) / "incomplete").iterdir()) == []


def test_old_archives_are_deleted_with_their_checksums_after_a_good_one(config: dict[str, Any]) -> None:
    folder = Path(config["folder"])
    folder.mkdir()
    for year in (2023, 2024, 2025):
        for suffix in ("", ".sha256"):
            (folder / f"waba-{year}0101000000.tar.age{suffix}").touch()
    assert make(config) == 0
    assert archives(config) == ["waba-20250101000000.tar.age", NAME]
    assert len(list(folder.glob("*.sha256"))) == 2


def test_a_checksum_that_a_killed_run_left_is_deleted(config: dict[str, Any]) -> None:
    folder = Path(config["folder"])
    folder.mkdir()
    (folder / "waba-20260130120000.tar.age.sha256").touch()
    assert make(config) == 0
    assert [path.name for path in folder.glob("*.sha256")] == [f"{NAME}.sha256"]


@pytest.mark.parametrize("text", ["", "[", "[]", "{}", '{"format": 1}', '{"format": 2}'])
def test_a_damaged_state_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    assert job.read_state(str(tmp_path)) == state.NO_STATE
