"""The shared folder: a file exists complete or not at all, for every failure of the disk."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.media_support import files, small_disk
from waba_node.store import media_folder
from waba_node.store.media_folder import (
    CHUNK,
    LEFTOVER_AGE,
    OUTGOING,
    FolderError,
    MediaFolder,
    TooLargeError,
    in_pieces,
)

MIB = 1 << 20


async def chunks(*content: bytes) -> AsyncIterator[bytes]:
    for chunk in content:
        yield chunk


async def test_a_saved_file_is_read_unchanged(tmp_path: Path) -> None:
    content = os.urandom(3 * CHUNK + 17)
    media = MediaFolder(str(tmp_path))
    saved = await media.save(OUTGOING, "one", chunks(content[:5], content[5:]), len(content))
    assert (saved.file, saved.size, saved.sha256) == ("outgoing/one", len(content), hashlib.sha256(content).hexdigest())
    assert files(tmp_path) == ["outgoing/one"]
    opened = await media.open(saved.file)
    assert opened is not None
    assert b"".join([chunk async for chunk in media.read(opened)]) == content
    await media.delete(saved.file)
    await media.delete(saved.file)
    assert await media.open(saved.file) is None


async def test_a_file_that_is_too_large_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TooLargeError):
        await MediaFolder(str(tmp_path)).save(OUTGOING, "one", chunks(bytes(CHUNK), b"x"), CHUNK)
    assert files(tmp_path) == []


async def test_a_source_that_fails_leaves_nothing(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(CHUNK)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await MediaFolder(str(tmp_path)).save(OUTGOING, "one", broken(), MIB)
    assert files(tmp_path) == []


async def test_a_cancelled_save_leaves_nothing(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield bytes(CHUNK)
        begun.set()
        await asyncio.sleep(60)

    saving = asyncio.create_task(MediaFolder(str(tmp_path)).save(OUTGOING, "one", endless(), MIB))
    await begun.wait()
    assert files(tmp_path) == ["outgoing/one.part"], "until it is whole it has another name"
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    assert files(tmp_path) == []


async def test_a_disk_that_fills_up_during_a_save_keeps_no_part_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_folder, "RESERVE", 0)  # so that it is the disk that refuses
    with small_disk(tmp_path / "media", "3m") as disk:
        media = MediaFolder(str(disk))
        with pytest.raises(FolderError, match="No space left") as refusal:
            await media.save(OUTGOING, "one", chunks(*[bytes(MIB)] * 5), 10 * MIB)
        assert refusal.value.full
        assert files(disk) == []
        await media.save(OUTGOING, "two", chunks(bytes(2 * MIB)), 10 * MIB)
        assert files(disk) == ["outgoing/two"]


async def test_a_save_leaves_the_reserve_of_the_disk_free(tmp_path: Path) -> None:
    with small_disk(tmp_path / "media", "10m") as disk:
        with pytest.raises(FolderError, match="No space left"):
            await MediaFolder(str(disk)).save(OUTGOING, "one", chunks(bytes(9 * MIB), bytes(MIB)), 100 * MIB)
        assert files(disk) == []


async def test_a_disk_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with small_disk(tmp_path / "media", "1m", "ro") as disk:
        with pytest.raises(FolderError, match="Read-only file system") as refusal:
            await MediaFolder(str(disk)).save(OUTGOING, "one", chunks(b"x"), MIB)
        assert not refusal.value.full


async def test_a_missing_folder_is_reported_and_not_created(tmp_path: Path) -> None:
    media = MediaFolder(str(tmp_path / "nowhere"))
    with pytest.raises(FolderError, match="not there"):
        await media.save(OUTGOING, "one", chunks(b"x"), MIB)
    assert await media.open("outgoing/one") is None
    with pytest.raises(FolderError, match="not there"):
        await media.find_old_files()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO])
@pytest.mark.parametrize("call", ["statvfs", "fsync"])
async def test_a_failing_file_server_is_reported_and_keeps_no_part_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    def lost(*_arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, lost)
    with pytest.raises(FolderError, match=os.strerror(number)):
        await MediaFolder(str(tmp_path)).save(OUTGOING, "one", chunks(b"x"), MIB)
    assert files(tmp_path) == []


async def test_a_hanging_disk_is_abandoned_and_its_file_deleted_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_folder, "PATIENCE", 0.2)
    fsync = os.fsync

    def slow(number: int) -> None:
        time.sleep(1)
        fsync(number)

    monkeypatch.setattr(os, "fsync", slow)
    with pytest.raises(FolderError, match="no answer"):
        await MediaFolder(str(tmp_path)).save(OUTGOING, "one", chunks(b"x"), MIB)
    async with asyncio.timeout(20):
        while files(tmp_path):
            await asyncio.sleep(0.05)


async def test_only_old_files_are_leftovers(tmp_path: Path) -> None:
    media = MediaFolder(str(tmp_path))
    for name in ("new", "old", "dead.part"):
        await media.save(OUTGOING, name, chunks(b"x"), MIB)
    long_ago = time.time() - LEFTOVER_AGE - 60
    for name in ("old", "dead.part"):
        os.utime(tmp_path / "outgoing" / name, (long_ago, long_ago))
    assert sorted(await media.find_old_files()) == ["outgoing/dead.part", "outgoing/old"]


@given(st.lists(st.binary(max_size=9)), st.integers(1, 20))
async def test_chunks_are_joined_into_pieces_without_changing_the_content(pieces: list[bytes], size: int) -> None:
    gathering = [chunk async for chunk in in_pieces(chunks(*pieces), size)]
    assert b"".join(gathering) == b"".join(pieces)
    assert all(len(chunk) >= size for chunk in gathering[:-1])
    assert b"" not in gathering
