# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import engine_proxy as pure
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import live_engine_proxy
from ansible_collections.waba.cluster.plugins.module_utils._internal.egress import variables

PROXY = {"url": "http://user:secret@proxy.example.com:3128", "direct": ["mirror"], "hosts": ["core1"]}


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The two files in a folder of the test; the folder of the second one does not exist yet."""
    found = (tmp_path / "proxy.env", tmp_path / "docker.service.d" / "proxy.conf")
    monkeypatch.setattr(pure, "ENVIRONMENT_FILE", str(found[0]))
    monkeypatch.setattr(pure, "DROP_IN", str(found[1]))
    return found


def test_second_write_changes_nothing(paths: tuple[Path, Path]) -> None:
    assert live_engine_proxy.differing_files(PROXY) == [str(path) for path in paths]
    live_engine_proxy.write_files(PROXY)
    assert live_engine_proxy.differing_files(PROXY) == []
    assert [path.stat().st_mode & 0o777 for path in paths] == [0o600, 0o644]


def test_readable_file_with_the_password_is_written_again(paths: tuple[Path, Path]) -> None:
    live_engine_proxy.write_files(PROXY)
    paths[0].chmod(0o644)
    assert live_engine_proxy.differing_files(PROXY) == [str(paths[0])]


def test_files_are_removed_with_the_setting(paths: tuple[Path, Path]) -> None:
    live_engine_proxy.write_files(PROXY)
    assert live_engine_proxy.differing_files(None) == [str(path) for path in paths]
    live_engine_proxy.write_files(None)
    assert live_engine_proxy.differing_files(None) == []


def test_environment_of_the_running_engine_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid_file = tmp_path / "docker.pid"
    monkeypatch.setattr(live_engine_proxy, "PID_FILE", str(pid_file))
    engine_command = ["/bin/sh", "-c", "echo started; read _"]
    with subprocess.Popen(
        engine_command, env=variables(PROXY), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as engine:
        assert engine.stdout is not None
        engine.stdout.readline()  # the kernel shows the environment of a process only some time after its start
        pid_file.write_text(f"{engine.pid}\n", encoding="ascii")
        assert not live_engine_proxy.is_stale(PROXY)
        assert live_engine_proxy.is_stale({**PROXY, "url": "http://other.example.com:3128"})
        engine.kill()


def test_engine_with_an_unknown_environment_is_not_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_engine_proxy, "PID_FILE", str(tmp_path / "absent"))
    assert not live_engine_proxy.is_stale(PROXY)
