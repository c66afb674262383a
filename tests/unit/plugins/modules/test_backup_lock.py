# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io import backup_archive
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.modules import backup, restore

CLUSTER = f"waba-unit-{os.getpid()}"


@pytest.fixture
def params(tmp_path: Path) -> dict:
    """Options of both modules; another run is using their scratch folders."""
    for name in (".backup", ".restore"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "of the other run").touch()
    database = {"name": "waba", "user": "waba", "password": "x", "password_file": None, "host": None}
    return {
        "path": str(tmp_path / "archive.tar"),
        "cluster_name": CLUSTER,
        "database": database,
        "media": None,
        "database_info": {},
    }


@pytest.mark.parametrize(
    "work",
    [
        lambda params: backup.back_up(params, None),
        lambda params: restore.restore(SimpleNamespace(params=params, check_mode=False)),
    ],
    ids=["backup", "restore"],
)
def test_backups_and_restores_of_a_cluster_exclude_each_other(
    params: dict, work: Callable[[dict], dict], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(backup_archive, "LOCK_TIMEOUT", 0)
    with (
        backup_archive.exclusive(params["path"], CLUSTER),
        pytest.raises(HostError, match="Another run has been working"),
    ):
        work(params)
    assert len(list(tmp_path.glob(".*/of the other run"))) == 2


def test_a_full_disk_is_reported_as_a_host_error(params: dict) -> None:
    with (
        pytest.raises(HostError, match="No space left on device"),
        backup_archive.exclusive(params["path"], CLUSTER),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
