# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs.io import live_mount


def test_symbolic_links_are_resolved_as_the_kernel_does(tmp_path: Path) -> None:
    (tmp_path / "data/media").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "data")
    (tmp_path / "data/relative").symlink_to("../data/media")
    for path in ("link/media", "link/relative", "data//./media/", "link/media/../media"):
        written = str(tmp_path / path)
        assert live_mount.resolve(written, ()) == os.path.realpath(written), path
    missing = str(tmp_path / "link/missing/folder")
    assert live_mount.resolve(missing, ()) == str(tmp_path / "data/missing/folder")


def test_a_loop_of_links_is_an_error_and_does_not_hide_other_paths(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    loop = str(tmp_path / "loop/x")
    with pytest.raises(OSError, match="symbolic links") as caught:
        live_mount.resolve(loop, ())
    assert caught.value.errno == errno.ELOOP
    assert live_mount.resolve_all([loop, "/mnt//a"], (), 10) == {loop: loop, "/mnt//a": "/mnt/a"}


def test_a_mount_point_is_never_accessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = str(tmp_path / "share")

    def readlink(path: str) -> str:
        if path == share:
            time.sleep(600)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "readlink", readlink)
    assert live_mount.resolve_all([share], {share: []}, 10) == {share: share}
    assert live_mount.resolve_all([f"{share}/"], {}, 0.5) == {f"{share}/": share}
