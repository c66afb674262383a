# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import image_builder
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

GIBIBYTE = 1 << 30


def test_caches_and_tests_beside_the_sources_do_not_change_the_hash(tmp_path: Path) -> None:
    source = tmp_path / "src" / "node.py"
    source.parent.mkdir()
    source.write_text("first", encoding="utf-8")
    before = image_builder.read_files(str(tmp_path))
    assert list(before) == ["src/node.py"]
    for left in (".hypothesis", ".pytest_cache", "src/__pycache__", "tests"):
        (tmp_path / left).mkdir()
        (tmp_path / left / "file").write_text("left", encoding="utf-8")
    assert image_builder.read_files(str(tmp_path)) == before
    source.write_text("second", encoding="utf-8")
    assert image_builder.read_files(str(tmp_path)) != before


@pytest.mark.parametrize(
    ("spaces", "programs", "expected"),
    [
        ({"/dev/shm": 4, "/tmp": 9, "/var/tmp": 9}, ("/dev/shm", "/tmp", "/var/tmp"), "/dev/shm"),
        ({"/dev/shm": 1, "/tmp": 9, "/var/tmp": 9}, ("/dev/shm", "/tmp", "/var/tmp"), "/tmp"),
        ({"/dev/shm": 4, "/tmp": 9, "/var/tmp": 9}, ("/tmp", "/var/tmp"), "/tmp"),
        ({"/tmp": 1, "/var/tmp": 9}, ("/tmp", "/var/tmp"), "/var/tmp"),
        ({"/dev/shm": 4, "/tmp": 9, "/var/tmp": 1}, ("/var/tmp",), "/var/tmp"),
    ],
    ids=["memory", "small memory", "memory without programs", "small, no memory", "disk alone"],
)
def test_root_file_system_is_built_where_programs_run(
    monkeypatch: pytest.MonkeyPatch, spaces: dict[str, int], programs: tuple[str, ...], expected: str
) -> None:
    mount(monkeypatch, spaces, programs)
    assert image_builder.build_folder() == expected


def test_host_where_every_folder_is_mounted_with_noexec_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    mount(monkeypatch, {"/dev/shm": 4, "/tmp": 9, "/var/tmp": 9}, ())
    with pytest.raises(HostError) as refusal:
        image_builder.build_folder()
    assert str(refusal.value) == (
        "Images cannot be built: /dev/shm, /tmp, /var/tmp are mounted with noexec. Run "
        "'mount -o remount,exec /var/tmp' for the build, or set images_source to archive, registry or preloaded."
    )


def mount(monkeypatch: pytest.MonkeyPatch, spaces: dict[str, int], programs: tuple[str, ...]) -> None:
    """Let the folders have this space in GiB, and only some of them run programs."""

    def statvfs(folder: str) -> SimpleNamespace:
        if folder not in spaces:
            raise FileNotFoundError(folder)
        flags = 0 if folder in programs else os.ST_NOEXEC
        return SimpleNamespace(f_flag=flags, f_bavail=spaces[folder], f_frsize=GIBIBYTE)

    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    monkeypatch.setattr(os, "statvfs", statvfs)
