# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.modules import compose_files

LEFT = [".db.env.new", ".multiconnect-master.yml.new", ".backup.tar"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a managed file and the leftovers of killed runs."""
    folder = tmp_path / "waba"
    (folder / ".backup").mkdir(parents=True)
    (folder / ".backup/database.sql.gz").write_text("all messages")
    for name in LEFT:
        (folder / name).write_text("secret")
    (folder / "db.env").write_text(f"# {contract.header('waba')}\nA=1\n")
    return folder


def absent(run: Callable[..., dict[str, Any]], folder: Path, **options: Any) -> dict[str, Any]:
    return run(compose_files, state="absent", path=str(folder), cluster_name="waba", **options)


def test_leftovers_of_killed_runs_are_removed_with_the_files(run: Callable[..., dict[str, Any]], folder: Path) -> None:
    assert absent(run, folder)["changed"]
    assert not folder.exists()
    assert not absent(run, folder)["changed"]


def test_leftovers_are_removed_without_a_file(run: Callable[..., dict[str, Any]], folder: Path) -> None:
    (folder / "db.env").unlink()
    assert absent(run, folder, check_mode=True)["changed"]
    assert absent(run, folder)["changed"]
    assert not folder.exists()


def test_the_files_and_leftovers_of_another_cluster_are_retained(
    run: Callable[..., dict[str, Any]], folder: Path
) -> None:
    (folder / "db.env").write_text(f"# {contract.header('other')}\nA=1\n")
    assert not absent(run, folder)["changed"]
    assert len(list(folder.iterdir())) == 5


def test_temporary_files_of_killed_runs_are_removed_when_files_are_written(
    run: Callable[..., dict[str, Any]], folder: Path
) -> None:
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
