# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archives of logs: one on each host, in a folder that nobody else can enter, and one of all hosts on the controller."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import tarfile
import tempfile

from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError

PLACE = "/var/tmp"  # noqa: S108 - on disk, and only folders of our own with names that nobody can guess are made there


@contextlib.contextmanager
def private_folder(cluster):
    """Make a folder that only its owner can enter, and leave it there unless the block fails; what interrupted runs left goes first."""
    prefix = f"waba-logs.{cluster}."  # no name of a cluster has a dot
    for left in glob.glob(os.path.join(PLACE, f"{glob.escape(prefix)}*")):
        with contextlib.suppress(OSError):
            if os.lstat(left).st_uid == os.geteuid():
                shutil.rmtree(left, ignore_errors=True)
    try:
        folder = tempfile.mkdtemp(prefix=prefix, dir=PLACE)
    except OSError as error:
        raise HostError(f"Cannot make a folder in {PLACE}: {error.strerror}.") from error
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def pack(folder, path, name):
    """Write a folder into a new compressed archive, under a name (str) in it, readable by its owner alone, whole or not at all. Raises HostError."""
    try:
        descriptor, beside = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=os.path.dirname(path))
        try:
            with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
                archive.add(folder, name)
            os.replace(beside, path)
        except BaseException:
            os.unlink(beside)
            raise
    except OSError as error:
        raise HostError(f"Cannot write {path}: {error.strerror}.") from error
