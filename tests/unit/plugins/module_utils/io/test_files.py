# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import resource
import signal

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files


def test_what_was_written_is_read_with_its_mode(tmp_path):
    path = str(tmp_path / "db.env")
    files.write(path, "A='ä\udcff'\r\n", 0o600)
    assert files.read(path) == ("A='ä\udcff'\r\n", 0o600, os.geteuid())


def test_a_file_that_cannot_be_replaced_stays_and_nothing_is_left_beside(tmp_path):
    target = tmp_path / "db.env"
    target.mkdir()
    (target / "kept").touch()
    with pytest.raises(HostError, match=r"db\.env"):
        files.write(str(target), "secret", 0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["db.env"]


@pytest.fixture
def full_disk():
    """No file can grow beyond ten bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_old_file_whole_and_nothing_beside(tmp_path, full_disk):
    path = tmp_path / "db.env"
    files.write(str(path), "old", 0o600)
    with pytest.raises(HostError, match=r"Cannot write .*db\.env: File too large"):
        files.write(str(path), "new" * 10_000, 0o600)
    assert (path.read_text(), [one.name for one in tmp_path.iterdir()]) == ("old", ["db.env"])


def test_what_a_killed_writer_left_is_known_and_goes_with_the_next_write(tmp_path, monkeypatch):
    path = tmp_path / "db.env"
    files.write(str(path), "old", 0o600)
    pid = os.fork()
    if not pid:
        monkeypatch.setattr(os, "replace", lambda *_paths: os.kill(os.getpid(), signal.SIGKILL))
        files.write(str(path), "secret", 0o644)
    os.waitpid(pid, 0)
    (left,) = files.left_beside([str(path), str(tmp_path / "other")])
    assert (path.read_text(), os.stat(left).st_uid) == ("old", os.geteuid())
    files.write(str(path), "new", 0o600)
    assert (path.read_text(), [one.name for one in tmp_path.iterdir()]) == ("new", ["db.env"])


def test_a_link_that_somebody_put_in_its_way_is_not_followed(tmp_path):
    path, victim = tmp_path / "db.env", tmp_path / "victim"
    victim.write_text("kept")
    os.symlink(victim, files.beside(str(path)))
    files.write(str(path), "new", 0o600)
    assert (path.read_text(), victim.read_text(), path.is_symlink()) == ("new", "kept", False)


def test_only_an_empty_folder_goes(tmp_path):
    folder = tmp_path / "waba"
    files.make_folder(str(folder))
    assert files.folder_is_right(str(folder))
    (folder / "by_hand").touch()
    assert not files.remove_folder_if_empty(str(folder))
    files.remove(str(folder / "by_hand"))
    files.remove(str(folder / "by_hand"))
    assert files.remove_folder_if_empty(str(folder))
