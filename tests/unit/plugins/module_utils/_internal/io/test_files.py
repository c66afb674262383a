# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files


def test_a_file_is_read_back_with_its_mode(tmp_path: Path) -> None:
    path = str(tmp_path / "db.env")
    files.write(path, "A='ä\udcff'\r\n", 0o600)
    assert files.read(path) == ("A='ä\udcff'\r\n", 0o600, os.geteuid())


def test_a_failed_write_changes_nothing_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    target = tmp_path / "db.env"
    target.mkdir()
    (target / "content").touch()
    with pytest.raises(HostError, match=r"db\.env"):
        files.write(str(target), "secret", 0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["db.env"]


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Limit files to ten bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_old_file_unchanged(tmp_path: Path, full_disk: None) -> None:
    path = tmp_path / "db.env"
    files.write(str(path), "old", 0o600)
    with pytest.raises(HostError, match=r"Cannot write .*db\.env: File too large"):
        files.write(str(path), "new" * 10_000, 0o600)
    assert (path.read_text(), [one.name for one in tmp_path.iterdir()]) == ("old", ["db.env"])


def test_the_temporary_file_of_a_killed_run_is_found_and_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "db.env"
    files.write(str(path), "old", 0o600)
    pid = os.fork()
    if not pid:
        monkeypatch.setattr(os, "replace", lambda *_paths: os.kill(os.getpid(), signal.SIGKILL))
        files.write(str(path), "secret", 0o644)
    os.waitpid(pid, 0)
    (left,) = files.leftovers([str(path), str(tmp_path / "other")])
    assert (path.read_text(), os.stat(left).st_uid) == ("old", os.geteuid())
    files.write(str(path), "new", 0o600)
    assert (path.read_text(), [one.name for one in tmp_path.iterdir()]) == ("new", ["db.env"])


def test_a_symbolic_link_at_the_temporary_path_is_not_followed(tmp_path: Path) -> None:
    path, victim = tmp_path / "db.env", tmp_path / "victim"
    victim.write_text("content")
    os.symlink(victim, files.temporary_path(str(path)))
    files.write(str(path), "new", 0o600)
    assert (path.read_text(), victim.read_text(), path.is_symlink()) == ("new", "content", False)


def test_only_an_empty_folder_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "waba"
    files.create_folder(str(folder))
    assert files.folder_is_correct(str(folder))
    (folder / "by_hand").touch()
    assert not files.remove_empty_folder(str(folder))
    files.remove(str(folder / "by_hand"))
    files.remove(str(folder / "by_hand"))
    assert files.remove_empty_folder(str(folder))
