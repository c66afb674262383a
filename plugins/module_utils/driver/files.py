# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files of a host: read with what matters about them, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile

from ansible_collections.waba.cluster.plugins.module_utils.driver.errors import DriverError

FOLDER_MODE = 0o755


def read(path):
    """Return (text, mode, owner id) of a file, or None where there is none. Raises DriverError when it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            status = os.fstat(file.fileno())
            return file.read(), stat.S_IMODE(status.st_mode), status.st_uid
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DriverError(f"Cannot read {path}: {error.strerror}.") from error


def write(path, text, mode):
    """Write a file so that a reader, or a crash, sees the old one or the new one and nothing between. Owned by who runs this (root)."""
    folder = os.path.dirname(path)
    try:
        descriptor, beside = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=folder)  # 0600 from the start
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                file.write(text)
                os.fchmod(file.fileno(), mode)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(beside)
            raise
        _sync_folder(folder)
    except OSError as error:
        raise DriverError(f"Cannot write {path}: {error.strerror}.") from error


def folder_is_right(path):
    """Return whether the folder is there, belongs to who runs this, and has the mode that it should have."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(status.st_mode):
        raise DriverError(f"{path} is there, but it is no folder. Move it away, or set another path.")
    return stat.S_IMODE(status.st_mode) == FOLDER_MODE and status.st_uid == os.geteuid()


def make_folder(path):
    """Make the folder, its parents too, and give it its mode and owner."""
    try:
        os.makedirs(path, exist_ok=True)
        os.chmod(path, FOLDER_MODE)
        os.chown(path, os.geteuid(), os.getegid())
    except OSError as error:
        raise DriverError(f"Cannot make the folder {path}: {error.strerror}.") from error


def remove(path):
    """Remove a file; one that is gone already is fine."""
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    except OSError as error:
        raise DriverError(f"Cannot remove {path}: {error.strerror}.") from error


def remove_folder_if_empty(path):
    """Remove a folder unless something is in it; return whether it is gone."""
    with contextlib.suppress(OSError):
        os.rmdir(path)
    return not os.path.isdir(path)


@contextlib.contextmanager
def scratch_folder(path):
    """Make a folder that only its owner can enter, for a block; what an interrupted run left of it goes first. Raises DriverError."""
    try:
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path, 0o700)
    except OSError as error:
        raise DriverError(f"Cannot make the folder {path}: {error.strerror}.") from error
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _sync_folder(folder):
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
