# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup import state, units
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup.io import program, schedule
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import InputError


class Host:
    """A host with systemd, or with cron, in a folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.commands, self.active, self.loaded = folder, [], False, True
        monkeypatch.setattr(schedule, "SYSTEMD", str(folder / "systemd"))
        (folder / "systemd").mkdir()
        real = units.paths

        def paths(cluster: str) -> dict[str, str]:
            return {kind: str(folder / "etc" / os.path.basename(path)) for kind, path in real(cluster).items()}

        monkeypatch.setattr(units, "paths", paths)
        monkeypatch.setattr(schedule.shutil, "which", lambda name: f"/usr/bin/{name}")
        self.params: dict[str, Any] = {
            "state": "present",
            "cluster_name": "waba",
            "path": str(folder / "opt"),
            "schedule": "30 2 * * *",
            "folder": str(folder / "backups"),
            "copy_command": [],
            "metrics_folder": str(folder / "metrics"),
            "max_age": 26,
            "database": {"name": "waba", "host": None},
        }

    def run_command(self, command: list[str]) -> tuple[int, str, str]:
        self.commands.append(command[1])
        if command[1] in ("restart", "disable"):
            self.active = command[1] == "restart"
        if command[1] in ("show", "daemon-reload"):
            self.loaded = self.loaded or command[1] == "daemon-reload"
            return 0, "NeedDaemonReload=no\n\nNeedDaemonReload=" + ("no\n" if self.loaded else "yes\n"), ""
        asked = command[1] in ("is-enabled", "is-active")
        return int(asked and not self.active), "", ""

    def converge(self, check: bool = False, **changed: Any) -> dict[str, Any]:
        params = {**self.params, **changed}
        module = SimpleNamespace(params=params, check_mode=check, run_command=self.run_command)
        return schedule.converge(module)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_the_schedule_is_set_up_once(host: Host) -> None:
    assert host.converge(check=True)["changed"]
    assert host.files() == []
    assert host.converge()["changed"]
    assert host.files() == [
        "scheduled-backup.json",
        "scheduled-backup.pyz",
        "waba-backup-waba.service",
        "waba-backup-waba.timer",
    ]
    assert host.commands[-3:] == ["daemon-reload", "enable", "restart"]
    assert not host.converge(check=True)["changed"]
    assert not host.converge()["changed"]


def test_the_configuration_is_private(host: Host) -> None:
    """The copy command of an operator may contain a secret."""
    result = host.converge(copy_command=["copy", "{archive}", "hunter2"])
    assert stat.S_IMODE((host.folder / "opt/scheduled-backup.json").stat().st_mode) == 0o600
    assert "hunter2" not in str(result)
    assert json.loads((host.folder / "opt/scheduled-backup.json").read_text())["copy_command"][2] == "hunter2"


def test_a_changed_setting_and_a_stopped_timer_are_differences(host: Host) -> None:
    host.converge()
    assert [one["action"] for one in host.converge(schedule="0 3 * * *")["files"]] == ["updated"]
    host.active = False
    assert host.converge(schedule="0 3 * * *")["changed"]
    assert host.active


def test_a_run_that_was_killed_before_the_reload_is_completed(host: Host) -> None:
    host.converge()
    host.loaded = False
    assert host.converge(check=True)["changed"]
    assert host.converge()["changed"]
    assert host.loaded
    assert not host.converge()["changed"]


def test_without_systemd_cron_runs_the_program(host: Host) -> None:
    (host.folder / "systemd").rmdir()
    host.converge()
    assert host.files() == ["scheduled-backup.json", "scheduled-backup.pyz", "waba-backup-waba"]
    assert host.commands == []
    assert not host.converge()["changed"]


def test_removal_leaves_the_backups_alone_and_removes_the_metrics(host: Host) -> None:
    host.converge()
    for name in ("backups/waba-20260131120000.tar.age", "metrics/waba_backup_waba.prom"):
        (host.folder / name).parent.mkdir()
        (host.folder / name).touch()
    absent = {"state": "absent", "cluster_name": "waba", "path": host.params["path"]}
    for check in (True, False):
        result = host.converge(check=check, **absent)
        assert (result["changed"], result["folder"]) == (True, host.params["folder"])
    assert host.files() == ["waba-20260131120000.tar.age"]
    assert not host.active
    assert not host.converge(**absent)["changed"]


def test_the_schedule_of_another_cluster_is_not_removed(host: Host) -> None:
    host.converge()
    assert not host.converge(state="absent", cluster_name="blue")["changed"]
    assert len(host.files()) == 4


def test_missing_packages_are_reported_and_nothing_is_changed(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule.shutil, "which", lambda _name: None)
    result = host.converge(database={"name": "waba", "host": "db.example.com"})
    assert (result["installed"], result["packages"]) == (False, ["age", "mariadb-client"])
    assert host.files() == []
    (host.folder / "systemd").rmdir()
    assert host.converge()["packages"] == ["age", "cron"]


def test_a_host_that_cannot_meet_the_settings_refuses_them_by_name(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule.shutil, "which", lambda _name: None)
    with pytest.raises(InputError) as refused:
        host.converge(folder=str(host.folder / "gone/backups"), copy_command=["rclone"])
    assert [problem.variable for problem in refused.value.problems] == ["waba_backup_path", "waba_backup_copy_command"]


def test_a_folder_with_the_backups_of_another_cluster_is_refused(host: Host) -> None:
    Path(host.params["folder"]).mkdir()
    for name, refused in (("blue-20260131120000.tar.age", True), ("waba-20260131120000.tar.age", False)):
        (Path(host.params["folder"]) / "state.json").write_text(json.dumps(state.succeeded({"name": name}, 0)))
        with pytest.raises(InputError) if refused else contextlib.nullcontext() as found:
            host.converge(check=True)
        if found:
            (problem,) = found.value.problems
            assert problem.variable == "waba_backup_path"
            assert problem.problem == f"it contains the backups of another cluster, such as {name}"


def test_the_recorded_state_is_that_of_the_last_run(host: Host) -> None:
    assert schedule.recorded(host.params) == {}
    host.converge()
    assert schedule.recorded(host.params) == {"state": "no good backup yet", "problem": ""}
    Path(host.params["folder"]).mkdir()
    content = state.succeeded({"name": "x"}, 0)
    (Path(host.params["folder"]) / "state.json").write_text(json.dumps(content))
    assert "more than waba_backup_max_age (26 h)" in schedule.recorded(host.params)["problem"]


def test_the_program_is_the_same_each_time_and_needs_no_ansible(tmp_path: Path) -> None:
    path = tmp_path / "program.pyz"
    path.write_bytes(program.build())
    assert program.build() == path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        texts = [archive.read(name).decode() for name in archive.namelist()]
    assert not any("from ansible." in text or "import ansible." in text for text in texts)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(path), str(tmp_path / "missing.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "cannot read" in done.stderr
