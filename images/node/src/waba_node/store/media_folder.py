"""The folder of media that all nodes share, by NFS where they are on several hosts (vendor facts, sections 1.4 and 2.8).

A file is there whole or not at all: written beside its place, flushed to the disk, then renamed. Every touch of the disk happens in a thread of
the folder's own, so that a file server that hangs holds up nothing but media.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

OUTGOING, SHARED = "outgoing", "shared"  # what clients uploaded, what came in (vendor fact)
PART = ".part"  # the ending of a file that is being written
CHUNK = 512 << 10  # bytes per touch of the disk, and so of memory per transfer
THREADS = 4
PATIENCE = 30.0  # seconds for one touch of the disk
RESERVE, RESERVED_SHARE = 1 << 30, 20  # bytes that stay free, or a twentieth of a smaller disk (ours)
FULL = (errno.ENOSPC, errno.EDQUOT)
LEFT_OVER = 24 * 3600  # seconds after which a file that nobody knows was left by a node that died

Result = TypeVar("Result")


class FolderError(Exception):
    """The folder did not do its part; the text says why. full: there is no room left."""

    def __init__(self, reason: str, full: bool = False) -> None:
        super().__init__(f"the media folder failed: {reason}")
        self.full = full


class TooLargeError(Exception):
    """A file is larger than it may be."""


@dataclass(frozen=True)
class Saved:
    """A file. file: its path below the folder. sha256: hexadecimal."""

    file: str
    size: int
    sha256: str


class MediaFolder:
    """See the module."""

    def __init__(self, root: str) -> None:
        self.root = Path(root)
        self.pool: ThreadPoolExecutor | None = None  # until it is needed: most nodes never touch media

    async def save(self, place: str, name: str, content: AsyncIterator[bytes], largest: int) -> Saved:
        """Write a file as it comes. Raises FolderError, TooLargeError, or what `content` raises; then nothing is left of it."""
        writer = _Writer(self.root / place, name)
        try:
            await self.touch(writer.open)
            async for chunk in gathered(content, CHUNK):
                if writer.size + len(chunk) > largest:
                    raise TooLargeError(f"the file has more than {largest} bytes")
                await self.touch(writer.write, chunk)
            await self.touch(writer.keep)
        except BaseException:
            with contextlib.suppress(FolderError):
                await asyncio.shield(asyncio.ensure_future(self.touch(writer.discard)))
            raise
        return Saved(f"{place}/{name}", writer.size, writer.digest.hexdigest())

    async def open(self, file: str) -> BinaryIO | None:
        """Open a file for `read`; None when it is not there. Raises FolderError."""
        try:
            return await self.touch((self.root / file).open, "rb", 0)
        except FileNotFoundError:
            return None

    async def read(self, opened: BinaryIO) -> AsyncGenerator[bytes, None]:
        """Yield what is in an opened file, and close it. Raises FolderError."""
        try:
            while chunk := await self.touch(opened.read, CHUNK):
                yield chunk
        finally:
            opened.close()

    async def delete(self, file: str) -> None:
        """Delete a file that may be there. Raises FolderError."""
        with contextlib.suppress(FileNotFoundError):
            await self.touch((self.root / file).unlink)

    async def check(self) -> None:
        """Raise FolderError unless the folder is there."""
        await self.touch(must_be_there, self.root)

    async def old_files(self) -> list[str]:
        """Return the files that were last written more than a day ago, unfinished ones included. Raises FolderError."""
        return await self.touch(lambda: list(self._old_files()))

    def _old_files(self) -> Iterator[str]:
        must_be_there(self.root)
        for place in (OUTGOING, SHARED):
            with contextlib.suppress(FileNotFoundError), os.scandir(self.root / place) as entries:
                for entry in entries:
                    if entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < time.time() - LEFT_OVER:
                        yield f"{place}/{entry.name}"

    async def touch(self, step: Callable[..., Result], *arguments: object) -> Result:
        """Run a step in a thread. Raises FolderError, and FileNotFoundError when the folder is there and the file is not."""
        if self.pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self.pool = ThreadPoolExecutor(THREADS, "media")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE):
                return await loop.run_in_executor(self.pool, step, *arguments)
        except TimeoutError as error:
            raise FolderError(f"no answer within {PATIENCE:.0f} s") from error
        except FileNotFoundError:
            raise
        except OSError as error:
            raise FolderError(error.strerror or type(error).__name__, error.errno in FULL) from error


def must_be_there(root: Path) -> None:
    """Raise NotADirectoryError unless the folder is there. It is never made: it is a volume, and without it the container would fill up."""
    if not root.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "the folder is not there")


class _Writer:
    """One file on its way. Its lock keeps a step that was given up from meeting the one that cleans up after it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.place, self.part = folder, folder / name, folder / (name + PART)
        self.size, self.digest = 0, hashlib.sha256()
        self.lock = threading.Lock()
        self.file: BinaryIO | None = None

    def open(self) -> None:
        with self.lock:
            must_be_there(self.folder.parent)
            self.folder.mkdir(exist_ok=True)
            self.file = self.part.open("xb", 0)

    def write(self, chunk: bytes) -> None:
        with self.lock:
            disk = os.statvfs(self.folder)
            reserve = min(RESERVE, disk.f_blocks * disk.f_frsize // RESERVED_SHARE)
            if disk.f_bavail * disk.f_frsize - len(chunk) < reserve:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            rest = memoryview(chunk)
            while rest:
                rest = rest[self.file.write(rest) :]
            self.digest.update(chunk)
            self.size += len(chunk)

    def keep(self) -> None:
        with self.lock:
            os.fsync(self.file.fileno())
            self.file.close()
            self.part.rename(self.place)
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def discard(self) -> None:
        with self.lock:
            if self.file is not None:
                with contextlib.suppress(OSError):
                    self.file.close()
            for path in (self.part, self.place):
                path.unlink(missing_ok=True)


async def gathered(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """Yield what `chunks` yields in pieces of at least `size` bytes, but for the last one."""
    waiting, count = [], 0
    async for chunk in chunks:
        waiting.append(chunk)
        count += len(chunk)
        if count >= size:
            yield b"".join(waiting)
            waiting, count = [], 0
    if count:
        yield b"".join(waiting)
