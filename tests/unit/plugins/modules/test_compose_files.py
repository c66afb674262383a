# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils import contract
from ansible_collections.waba.cluster.plugins.modules import compose_files

LEFT = [".db.env.new", ".multiconnect-master.yml.new", ".backup.tar"]


@pytest.fixture
def folder(tmp_path):
    """A folder that interrupted runs left behind: a managed file, and temporary files."""
    folder = tmp_path / "waba"
    (folder / ".backup").mkdir(parents=True)
    (folder / ".backup/database.sql.gz").write_text("all messages")
    for name in LEFT:
        (folder / name).write_text("secret")
    (folder / "db.env").write_text(f"# {contract.header('waba')}\nA=1\n")
    return folder


def absent(run, folder, **options):
    return run(compose_files, state="absent", path=str(folder), cluster_name="waba", **options)


def test_what_killed_runs_left_goes_with_the_files(run, folder):
    assert absent(run, folder)["changed"]
    assert not folder.exists()
    assert not absent(run, folder)["changed"]


def test_it_goes_also_when_no_file_is_left(run, folder):
    (folder / "db.env").unlink()
    assert absent(run, folder, check_mode=True)["changed"]
    assert absent(run, folder)["changed"]
    assert not folder.exists()


def test_another_cluster_in_the_folder_keeps_what_is_there(run, folder):
    (folder / "db.env").write_text(f"# {contract.header('other')}\nA=1\n")
    assert not absent(run, folder)["changed"]
    assert len(list(folder.iterdir())) == 5


def test_the_next_files_take_the_place_of_what_was_left(run, folder):
    options = {
        "path": str(folder),
        "masters": [{"name": "master"}],
        "images": {"coreapp": "node:v1", "webapp": "node:v1"},
    }
    options |= {"external_hostname": "here", "layout": "role"}
    assert run(compose_files, **options)["changed"]
    assert sorted(one.name for one in folder.iterdir()) == [
        ".backup",
        ".backup.tar",
        "db.env",
        "multiconnect-master.yml",
    ]
    assert not run(compose_files, **options)["changed"]
