# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The archive of a backup: a tar file with a manifest that contains the checksum of each member."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from typing import IO, Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.database import backup
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files, host_lock

CHUNK = 1 << 20  # bytes
# Python 3.12 wants the filter named; unpack_folder checks the members itself, since older versions have no filters.
EXTRACT_FILTER: dict[str, Any] = {"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}

LOCK_TIMEOUT = 3600  # seconds; a dump of a large database takes long


@contextlib.contextmanager
def exclusive(path: str, cluster: str) -> Iterator[None]:
    """Exclude other backups and restores of the cluster on this host, also those that outlived a killed run.

    Raises HostError after LOCK_TIMEOUT, and for an OSError in the block, such as a full disk. path: of the archive.
    """
    try:
        with host_lock.exclusive(f"{host_lock.NAME} backup of {cluster}", LOCK_TIMEOUT):
            yield
    except OSError as error:
        raise HostError(f"Cannot work in {os.path.dirname(path)}: {error.strerror or error}.") from error


def checksum(path: str) -> str:
    """Return the SHA-256 of a file as hexadecimal text. Raises OSError."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def write(path: str, cluster: str, facts: dict[str, Any], members: dict[str, str]) -> dict[str, Any]:
    """Write an archive atomically with mode 0600, and return its manifest. Raises HostError.

    facts: see `database.backup.manifest`. members: {name in the archive: path of a file}.
    """
    sums = {name: {"sha256": checksum(file), "bytes": os.path.getsize(file)} for name, file in members.items()}
    content = backup.manifest(cluster, facts, sums)
    text = json.dumps(content, indent=2).encode()
    temporary = files.temporary_path(path)
    try:
        files.remove(temporary)
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                with tarfile.open(fileobj=file, mode="w") as archive:
                    entry = tarfile.TarInfo(backup.MANIFEST)
                    entry.size, entry.mode = len(text), 0o600
                    archive.addfile(entry, io.BytesIO(text))
                    for name, source in members.items():
                        archive.add(source, name)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            files.remove(temporary)
            raise
    except OSError as error:
        raise HostError(f"Cannot write {path}: {error.strerror}.") from error
    return content


def unpack(path: str, folder: str) -> dict[str, Any]:
    """Extract the members of an archive into a folder, verify their checksums, and return the manifest. Raises HostError."""
    try:
        with tarfile.open(path) as archive:
            content = json.load(_member(archive, backup.MANIFEST))
            if (problem := backup.manifest_problem(content)) is not None:
                raise HostError(f"{path} cannot be restored: {problem}.")
            for name, facts in content["members"].items():
                _extract(archive, name, facts, folder)
    except (OSError, KeyError, TypeError, ValueError, tarfile.TarError) as error:
        raise HostError(f"{path} is not an archive of this collection, or it is damaged: {error}.") from error
    return content


def pack_folder(folder: str, path: str) -> None:
    """Write the content of a folder into a new tar file, with owners and modes. Raises HostError."""
    try:
        with tarfile.open(path, "w") as archive:
            archive.add(folder, ".")
    except OSError as error:
        raise HostError(f"Cannot pack {folder}: {error}.") from error


def unpack_folder(path: str, folder: str) -> None:
    """Extract a tar file into a folder. Existing files with other names remain. Raises HostError."""
    try:
        with tarfile.open(path) as archive:
            for entry in archive:
                if entry.name.startswith("/") or ".." in entry.name.split("/") or not (entry.isdir() or entry.isreg()):
                    raise HostError(
                        f"{entry.name} in the archive is not a plain file below its folder. Unpacking stopped there."
                    )
                archive.extract(entry, folder, **EXTRACT_FILTER)
    except (OSError, tarfile.TarError) as error:
        raise HostError(f"Cannot unpack into {folder}: {error}.") from error


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    member = archive.extractfile(name)
    if member is None:
        raise ValueError(f"{name} is not a file")
    return member


def _extract(archive: tarfile.TarFile, name: str, facts: dict[str, Any], folder: str) -> None:
    if name != os.path.basename(name):
        raise ValueError(f"a member is called {name!r}")
    target = os.path.join(folder, name)
    with _member(archive, name) as source, open(target, "wb") as file:
        while chunk := source.read(CHUNK):
            file.write(chunk)
    if checksum(target) != facts["sha256"]:
        raise HostError(
            f"The archive is damaged: the checksum of {name} differs from the manifest. Nothing was changed."
        )
