# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The archive of a backup: one tar file with a manifest, each member with its checksum."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tarfile

from ansible_collections.waba.cluster.plugins.module_utils.database import backup
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files, host_lock

CHUNK = 1 << 20
FILTER = {"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}

PATIENCE = 3600  # seconds; a dump of much data takes its time


@contextlib.contextmanager
def alone(path, cluster):
    """Work on an archive of a cluster while no other backup or restore of it does on this host, as one that a killed run began may.

    Raises HostError when another one does for longer than PATIENCE; and for an OSError in the block, such as a full disk.
    """
    try:
        with host_lock.alone(f"{host_lock.NAME} backup of {cluster}", PATIENCE):
            yield
    except OSError as error:
        raise HostError(f"Cannot work in {os.path.dirname(path)}: {error.strerror or error}.") from error


def checksum(path):
    """Return the SHA-256 (hex str) of a file."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def write(path, cluster, facts, members):
    """Write an archive, readable by its owner only, whole or not at all. Return its manifest. Raises HostError.

    facts: see `database.backup.manifest`. members: {name in the archive: path of a file}.
    """
    found = {name: {"sha256": checksum(file), "bytes": os.path.getsize(file)} for name, file in members.items()}
    content = backup.manifest(cluster, facts, found)
    text = json.dumps(content, indent=2).encode()
    beside = files.beside(path)
    try:
        files.remove(beside)
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                with tarfile.open(fileobj=file, mode="w") as archive:
                    entry = tarfile.TarInfo(backup.MANIFEST)
                    entry.size, entry.mode = len(text), 0o600
                    archive.addfile(entry, io.BytesIO(text))
                    for name, source in members.items():
                        archive.add(source, name)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        except BaseException:
            files.remove(beside)
            raise
    except OSError as error:
        raise HostError(f"Cannot write {path}: {error.strerror}.") from error
    return content


def unpack(path, folder):
    """Take the members of an archive out into a folder, and check them. Return the manifest. Raises HostError."""
    try:
        with tarfile.open(path) as archive:
            content = json.load(archive.extractfile(backup.MANIFEST))
            if (fault := backup.manifest_fault(content)) is not None:
                raise HostError(f"{path} cannot be restored: {fault}.")
            for name, facts in content["members"].items():
                _take_out(archive, name, facts, folder)
    except (OSError, KeyError, TypeError, ValueError, tarfile.TarError) as error:
        raise HostError(f"{path} is no archive of this collection, or it is damaged: {error}.") from error
    return content


def pack_folder(folder, path):
    """Write all that is in a folder into a new tar file, owners and modes with it. Raises HostError."""
    try:
        with tarfile.open(path, "w") as archive:
            archive.add(folder, ".")
    except OSError as error:
        raise HostError(f"Cannot pack {folder}: {error}.") from error


def unpack_folder(path, folder):
    """Put what is in a tar file into a folder; what is there under other names stays. Raises HostError."""
    try:
        with tarfile.open(path) as archive:
            for entry in archive:
                # The filter that does this for us is younger than the oldest Python that we run on.
                if entry.name.startswith("/") or ".." in entry.name.split("/") or not (entry.isdir() or entry.isreg()):
                    raise HostError(
                        f"{entry.name} in the archive is no plain file below its folder. Nothing more was unpacked."
                    )
                archive.extract(entry, folder, **FILTER)
    except (OSError, tarfile.TarError) as error:
        raise HostError(f"Cannot unpack into {folder}: {error}.") from error


def _take_out(archive, name, facts, folder):
    if name != os.path.basename(name):
        raise ValueError(f"a member is called {name!r}")
    target = os.path.join(folder, name)
    with archive.extractfile(name) as source, open(target, "wb") as file:
        while chunk := source.read(CHUNK):
            file.write(chunk)
    if checksum(target) != facts["sha256"]:
        raise HostError(
            f"The archive is damaged: {name} does not have the checksum that its manifest says. Nothing was touched."
        )
