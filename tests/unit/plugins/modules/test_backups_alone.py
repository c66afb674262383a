# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import errno
import os
from types import SimpleNamespace

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.database.io import backup_archive
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.modules import backup, restore

CLUSTER = f"waba-unit-{os.getpid()}"


@pytest.fixture
def params(tmp_path):
    """Of a module whose scratch folders another run works in."""
    for name in (".backup", ".restore"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "of the other run").touch()
    database = {"name": "waba", "user": "waba", "password": "x", "password_file": None, "host": None}
    return {"path": str(tmp_path / "archive.tar"), "cluster_name": CLUSTER, "database": database, "media": None}


@pytest.mark.parametrize(
    "work",
    [backup.make, lambda params: restore.restore(SimpleNamespace(params=params, check_mode=False))],
    ids=["backup", "restore"],
)
def test_one_works_on_a_cluster_s_backups_at_a_time(params, work, monkeypatch, tmp_path):
    monkeypatch.setattr(backup_archive, "PATIENCE", 0)
    with (
        backup_archive.alone(params["path"], CLUSTER),
        pytest.raises(HostError, match="Another run has been at work"),
    ):
        work(params)
    assert len(list(tmp_path.glob(".*/of the other run"))) == 2


def test_a_full_disk_is_an_error_of_ours(params):
    with (
        pytest.raises(HostError, match="No space left on device"),
        backup_archive.alone(params["path"], CLUSTER),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
