# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files of a host: read with what matters about them, written whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat

from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError

FOLDER_MODE = 0o755


def read(path):
    """Return (text, mode, owner id) of a file, or None where there is none. Raises HostError when it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            status = os.fstat(file.fileno())
            return file.read(), stat.S_IMODE(status.st_mode), status.st_uid
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HostError(f"Cannot read {path}: {error.strerror}.") from error


def beside(path):
    """Return the path under which a file is written before it takes its place: always the same, so that a later run knows what a killed one left."""
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.new")


def left_beside(paths):
    """Return what killed runs left of files that they were writing (list of str), given the files' paths."""
    return [beside(path) for path in paths if os.path.lexists(beside(path))]


def write(path, text, mode):
    """Write a file so that a reader, or a crash, sees the old one or the new one and nothing between. Owned by who runs this (root)."""
    try:
        with alone_in(os.path.dirname(path)) as folder:
            replace(path, text, mode, folder)
    except OSError as error:
        raise HostError(f"Cannot write {path}: {error.strerror}.") from error


def replace(path, text, mode, folder):
    """Write a file, as `write` does, for who is alone in its folder. folder: from `alone_in`. Raises OSError."""
    temporary = beside(path)
    remove(temporary)
    try:
        # 0600 from the start.
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
def alone_in(folder):
    """Keep every other process that does so too out of a folder for a block, which gets the folder's descriptor (int). Raises OSError.

    The lock is the kernel's, on the folder itself: it leaves no file, and ends with whoever holds it.
    """
    descriptor = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):  # not every file system can (NFS wants a descriptor to write to)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def folder_is_right(path):
    """Return whether the folder is there, belongs to who runs this, and has the mode that it should have."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(status.st_mode):
        raise HostError(f"{path} is there, but it is no folder. Move it away, or set another path.")
    return stat.S_IMODE(status.st_mode) == FOLDER_MODE and status.st_uid == os.geteuid()


def make_folder(path):
    """Make the folder, its parents too, and give it its mode and owner."""
    try:
        os.makedirs(path, exist_ok=True)
        os.chmod(path, FOLDER_MODE)
        os.chown(path, os.geteuid(), os.getegid())
    except OSError as error:
        raise HostError(f"Cannot make the folder {path}: {error.strerror}.") from error


def remove(path):
    """Remove a file, or a folder with all that is in it; what is gone already is fine."""
    try:
        with contextlib.suppress(FileNotFoundError):
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
    except OSError as error:
        raise HostError(f"Cannot remove {path}: {error.strerror}.") from error


def remove_folder_if_empty(path):
    """Remove a folder unless something is in it; return whether it is gone."""
    with contextlib.suppress(OSError):
        os.rmdir(path)
    return not os.path.isdir(path)


@contextlib.contextmanager
def scratch_folder(path):
    """Make a folder that only its owner can enter, for a block; what an interrupted run left of it goes first. Raises HostError."""
    try:
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path, 0o700)
    except OSError as error:
        raise HostError(f"Cannot make the folder {path}: {error.strerror}.") from error
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
