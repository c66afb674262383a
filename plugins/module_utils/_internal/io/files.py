# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files of a host: read with their metadata, written atomically."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
from collections.abc import Iterable, Iterator

from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

FOLDER_MODE = 0o755


def read(path: str) -> tuple[str, int, int] | None:
    """Return (text, mode, owner id) of a file, or None if it does not exist. Raises HostError if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            status = os.fstat(file.fileno())
            return file.read(), stat.S_IMODE(status.st_mode), status.st_uid
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HostError(f"Cannot read {path}: {error.strerror}.") from error


def read_text(path: str) -> str | None:
    """Return the text of a file, or None if it does not exist. Raises HostError if it cannot be read."""
    found = read(path)
    return found[0] if found else None


def temporary_path(path: str) -> str:
    """Return the path at which a file is written before it is renamed. It is fixed, so that a later run finds leftovers."""
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.new")


def leftovers(paths: Iterable[str]) -> list[str]:
    """Return the temporary files that interrupted runs left behind for these paths."""
    return [temporary_path(path) for path in paths if os.path.lexists(temporary_path(path))]


def write(path: str, text: str, mode: int) -> None:
    """Write a file atomically, also with respect to a crash. The file belongs to the user of this process. Raises HostError."""
    try:
        with locked_folder(os.path.dirname(path)) as folder:
            replace(path, text, mode, folder)
    except OSError as error:
        raise HostError(f"Cannot write {path}: {error.strerror}.") from error


def replace(path: str, text: str, mode: int, folder: int) -> None:
    """Write a file as `write` does, in a folder that the caller has locked. folder: from `locked_folder`. Raises OSError."""
    temporary = temporary_path(path)
    remove(temporary)
    try:
        # 0600 from the start: the text may be a secret.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        remove(temporary)
        raise
    os.fsync(folder)


@contextlib.contextmanager
def locked_folder(folder: str) -> Iterator[int]:
    """Hold a lock on a folder, and yield the folder's file descriptor. Raises OSError.

    The lock is a flock on the folder itself: it creates no file, and the kernel releases it when its holder ends.
    """
    descriptor = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(
            OSError
        ):  # some file systems cannot; NFS locks only descriptors that are open for writing
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def folder_is_correct(path: str) -> bool:
    """Return whether a folder exists with FOLDER_MODE and belongs to the user of this process. Raises HostError for a file."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(status.st_mode):
        raise HostError(f"{path} exists, but is not a folder. Move it away, or set another path.")
    return stat.S_IMODE(status.st_mode) == FOLDER_MODE and status.st_uid == os.geteuid()


def create_folder(path: str) -> None:
    """Create a folder and its parents, and set its mode and owner. Raises HostError."""
    try:
        os.makedirs(path, exist_ok=True)
        os.chmod(path, FOLDER_MODE)
        os.chown(path, os.geteuid(), os.getegid())
    except OSError as error:
        raise HostError(f"Cannot create the folder {path}: {error.strerror}.") from error


def remove(path: str) -> None:
    """Remove a file, or a folder with its content. A missing path is no error. Raises HostError."""
    try:
        with contextlib.suppress(FileNotFoundError):
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
    except OSError as error:
        raise HostError(f"Cannot remove {path}: {error.strerror}.") from error


def remove_empty_folder(path: str) -> bool:
    """Remove a folder unless it has content. Return whether it is gone."""
    with contextlib.suppress(OSError):
        os.rmdir(path)
    return not os.path.isdir(path)


@contextlib.contextmanager
def scratch_folder(path: str) -> Iterator[str]:
    """Create an empty folder with mode 0700, and remove it at the end. Raises HostError."""
    try:
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path, 0o700)
    except OSError as error:
        raise HostError(f"Cannot create the folder {path}: {error.strerror}.") from error
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
