"""The media folder that all nodes share, over NFS on several hosts (docs/reference/vendor-contract.md#media).

A file exists complete or not at all: it is written beside its place, flushed to the disk, then renamed. Every access to the disk runs in a
thread of the folder's own, so a file server that hangs delays nothing but media.
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

OUTGOING, SHARED = "outgoing", "shared"  # uploads of clients, received media
PART = ".part"  # the suffix of a file that is being written
CHUNK = 512 << 10  # bytes per access to the disk, and of memory per transfer
THREADS = 4
PATIENCE = 30.0  # seconds for one access to the disk
RESERVE, RESERVED_SHARE = 1 << 30, 20  # bytes that stay free, or a twentieth of a smaller disk
FULL = (errno.ENOSPC, errno.EDQUOT)
LEFTOVER_AGE = 24 * 3600  # seconds after which a file without a row is the remainder of a node that died

Result = TypeVar("Result")


class FolderError(Exception):
    """An access to the folder failed; the text has the reason. full: the disk is full."""

    def __init__(self, reason: str, full: bool = False) -> None:
        super().__init__(f"the media folder failed: {reason}")
        self.full = full


class TooLargeError(Exception):
    """A file exceeds its limit."""


@dataclass(frozen=True)
class Saved:
    """A saved file. file: its path in the folder. sha256: hexadecimal."""

    file: str
    size: int
    sha256: str


class MediaFolder:
    """See the module."""

    def __init__(self, root: str) -> None:
        self.root = Path(root)
        self.pool: ThreadPoolExecutor | None = None  # created on first use: most nodes never access media

    async def save(self, place: str, name: str, content: AsyncIterator[bytes], largest: int) -> Saved:
        """Write a file as its content arrives. Raises FolderError, TooLargeError, or an error of `content`; then no part of it remains."""
        writer = _Writer(self.root / place, name)
        try:
            await self.run_in_thread(writer.open)
            async for chunk in in_pieces(content, CHUNK):
                if writer.size + len(chunk) > largest:
                    raise TooLargeError(f"the file has more than {largest} bytes")
                await self.run_in_thread(writer.write, chunk)
            await self.run_in_thread(writer.finish)
        except BaseException:
            with contextlib.suppress(FolderError):
                await asyncio.shield(asyncio.ensure_future(self.run_in_thread(writer.discard)))
            raise
        return Saved(f"{place}/{name}", writer.size, writer.digest.hexdigest())

    async def open(self, file: str) -> BinaryIO | None:
        """Open a file for `read`; None when it does not exist. Raises FolderError."""
        try:
            return await self.run_in_thread((self.root / file).open, "rb", 0)
        except FileNotFoundError:
            return None

    async def read(self, opened: BinaryIO) -> AsyncGenerator[bytes, None]:
        """Yield the content of an opened file, and close it. Raises FolderError."""
        try:
            while chunk := await self.run_in_thread(opened.read, CHUNK):
                yield chunk
        finally:
            opened.close()

    async def delete(self, file: str) -> None:
        """Delete a file if it exists. Raises FolderError."""
        with contextlib.suppress(FileNotFoundError):
            await self.run_in_thread((self.root / file).unlink)

    async def check(self) -> None:
        """Raise FolderError unless the folder exists."""
        await self.run_in_thread(require_folder, self.root)

    async def find_old_files(self) -> list[str]:
        """Return the files that were last written more than a day ago, unfinished ones included. Raises FolderError."""
        return await self.run_in_thread(lambda: list(self._old_files()))

    def _old_files(self) -> Iterator[str]:
        require_folder(self.root)
        for place in (OUTGOING, SHARED):
            with contextlib.suppress(FileNotFoundError), os.scandir(self.root / place) as entries:
                for entry in entries:
                    if entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < time.time() - LEFTOVER_AGE:
                        yield f"{place}/{entry.name}"

    async def run_in_thread(self, access: Callable[..., Result], *arguments: object) -> Result:
        """Run an access in a thread. Raises FolderError, and FileNotFoundError for a missing file in an existing folder."""
        if self.pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self.pool = ThreadPoolExecutor(THREADS, "media")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE):
                return await loop.run_in_executor(self.pool, access, *arguments)
        except TimeoutError as error:
            raise FolderError(f"no answer within {PATIENCE:.0f} s") from error
        except FileNotFoundError:
            raise
        except OSError as error:
            raise FolderError(error.strerror or type(error).__name__, error.errno in FULL) from error


def require_folder(root: Path) -> None:
    """Raise NotADirectoryError unless the folder exists. It is never created: it is a volume, and otherwise the container would fill up."""
    if not root.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "the folder is not there")


class _Writer:
    """One file that is being written. Its lock separates an abandoned access from the cleanup that follows it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.place, self.part = folder, folder / name, folder / (name + PART)
        self.size, self.digest = 0, hashlib.sha256()
        self.lock = threading.Lock()
        self.file: BinaryIO | None = None

    @property
    def opened(self) -> BinaryIO:
        """Return the file, which `open` has created."""
        assert self.file is not None
        return self.file

    def open(self) -> None:
        """Create the file beside its place."""
        with self.lock:
            require_folder(self.folder.parent)
            self.folder.mkdir(exist_ok=True)
            self.file = self.part.open("xb", 0)

    def write(self, chunk: bytes) -> None:
        """Append to the file. Raises OSError ENOSPC before the reserve is used."""
        with self.lock:
            disk = os.statvfs(self.folder)
            reserve = min(RESERVE, disk.f_blocks * disk.f_frsize // RESERVED_SHARE)
            if disk.f_bavail * disk.f_frsize - len(chunk) < reserve:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            rest = memoryview(chunk)
            while rest:
                rest = rest[self.opened.write(rest) :]
            self.digest.update(chunk)
            self.size += len(chunk)

    def finish(self) -> None:
        """Flush the file to the disk and move it to its place."""
        with self.lock:
            os.fsync(self.opened.fileno())
            self.opened.close()
            self.part.rename(self.place)
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def discard(self) -> None:
        """Delete the file."""
        with self.lock:
            if self.file is not None:
                with contextlib.suppress(OSError):
                    self.file.close()
            for path in (self.part, self.place):
                path.unlink(missing_ok=True)


async def in_pieces(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """Yield the bytes of `chunks` in pieces of at least `size` bytes, except for the last one."""
    waiting, count = [], 0
    async for chunk in chunks:
        waiting.append(chunk)
        count += len(chunk)
        if count >= size:
            yield b"".join(waiting)
            waiting, count = [], 0
    if count:
        yield b"".join(waiting)
