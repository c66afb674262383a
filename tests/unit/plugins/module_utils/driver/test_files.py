# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.driver import files
from ansible_collections.waba.cluster.plugins.module_utils.driver.errors import DriverError


def test_what_was_written_is_read_with_its_mode(tmp_path):
    path = str(tmp_path / "db.env")
    files.write(path, "A='ä\udcff'\r\n", 0o600)
    assert files.read(path) == ("A='ä\udcff'\r\n", 0o600, os.geteuid())


def test_a_file_that_cannot_be_replaced_stays_and_nothing_is_left_beside(tmp_path):
    target = tmp_path / "db.env"
    target.mkdir()
    (target / "kept").touch()
    with pytest.raises(DriverError, match=r"db\.env"):
        files.write(str(target), "secret", 0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["db.env"]


def test_only_an_empty_folder_goes(tmp_path):
    folder = tmp_path / "waba"
    files.make_folder(str(folder))
    assert files.folder_is_right(str(folder))
    (folder / "by_hand").touch()
    assert not files.remove_folder_if_empty(str(folder))
    files.remove(str(folder / "by_hand"))
    files.remove(str(folder / "by_hand"))
    assert files.remove_folder_if_empty(str(folder))
