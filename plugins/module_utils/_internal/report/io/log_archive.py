# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archives of logs: one on each host, in a folder that only its owner can enter, and one of all hosts on the controller."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator

from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

PLACE = "/var/tmp"  # noqa: S108 - on disk; only private folders with random names are created there


@contextlib.contextmanager
def private_folder(cluster: str) -> Iterator[str]:
    """Create a folder that only its owner can enter. It stays unless the block fails. Raises HostError.

    Folders that interrupted runs left are removed first.
    """
    prefix = f"waba-logs.{cluster}."  # a cluster's name contains no dot
    for left in glob.glob(os.path.join(PLACE, f"{glob.escape(prefix)}*")):
        with contextlib.suppress(OSError):
            if os.lstat(left).st_uid == os.geteuid():
                shutil.rmtree(left, ignore_errors=True)
    try:
        folder = tempfile.mkdtemp(prefix=prefix, dir=PLACE)
    except OSError as error:
        raise HostError(f"Cannot create a folder in {PLACE}: {error.strerror}.") from error
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def pack(folder: str, path: str, name: str) -> None:
    """Write a folder into a new compressed archive, under a name in it. Only its owner can read it; it is complete or absent. Raises HostError."""
    try:
        descriptor, partial = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=os.path.dirname(path))
        try:
            with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
                archive.add(folder, name)
            os.replace(partial, path)
        except BaseException:
            os.unlink(partial)
            raise
    except OSError as error:
        raise HostError(f"Cannot write {path}: {error.strerror}.") from error
