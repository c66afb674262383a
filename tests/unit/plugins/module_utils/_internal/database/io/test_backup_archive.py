# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import io
import stat
import tarfile
from pathlib import Path

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io import backup_archive
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

FACTS = {"taken_at": "2026-01-31 12:00:00", "server": "11", "revision": "0001", "versions": [], "tables": ["message"]}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    dump = tmp_path / "dump"
    dump.write_bytes(b"x" * 3_000_000)
    path = tmp_path / "backup.tar"
    backup_archive.write(str(path), "waba", FACTS, {"database.sql.gz": str(dump)})
    return path


def test_members_are_unpacked_unchanged(archive: Path, tmp_path: Path) -> None:
    manifest = backup_archive.unpack(str(archive), str(tmp_path))
    assert (tmp_path / "database.sql.gz").read_bytes() == b"x" * 3_000_000
    assert manifest["members"]["database.sql.gz"]["bytes"] == 3_000_000
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600


def test_a_changed_byte_is_detected(archive: Path, tmp_path: Path) -> None:
    content = bytearray(archive.read_bytes())
    content[1_500_000] ^= 1
    archive.write_bytes(content)
    with pytest.raises(HostError, match=r"the checksum of .* differs from the manifest"):
        backup_archive.unpack(str(archive), str(tmp_path))


def test_a_truncated_archive_is_detected(archive: Path, tmp_path: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:1_000_000])
    with pytest.raises(HostError, match="it is damaged"):
        backup_archive.unpack(str(archive), str(tmp_path))


def test_media_are_unpacked_with_their_modes(tmp_path: Path) -> None:
    (tmp_path / "media/outgoing").mkdir(parents=True)
    picture = tmp_path / "media/outgoing/picture"
    picture.write_bytes(b"jpeg")
    picture.chmod(0o640)
    backup_archive.pack_folder(str(tmp_path / "media"), str(tmp_path / "media.tar"))
    (tmp_path / "new").mkdir()
    backup_archive.unpack_folder(str(tmp_path / "media.tar"), str(tmp_path / "new"))
    found = tmp_path / "new/outgoing/picture"
    assert (found.read_bytes(), stat.S_IMODE(found.stat().st_mode)) == (b"jpeg", 0o640)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd"])
def test_a_member_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    (tmp_path / "in").mkdir()
    with pytest.raises(HostError, match="not a plain file below its folder"):
        backup_archive.unpack_folder(str(tmp_path / "evil.tar"), str(tmp_path / "in"))
    assert not (tmp_path / "outside").exists()
