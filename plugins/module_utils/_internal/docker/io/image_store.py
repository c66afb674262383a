# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The images of a host: inspect, load from files, pull from a registry, save to an archive."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import image_archive, image_source
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.image_packages import sbom_file
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files

try:
    from docker.errors import NotFound
except ImportError:
    NotFound = LookupError  # type: ignore[misc, assignment]

if TYPE_CHECKING:
    from docker import DockerClient

CHUNK = 2**20  # bytes read at a time
READABLE = 0o644  # an image holds no secret, and the user who runs Ansible copies files that root may have saved

Index = dict[str, dict[str, Any]]


def facts(client: DockerClient, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return {name: {"id", "source_hash"}} of the images that the host has. Raises HostError."""
    found = {}
    for name in names:
        with engine_errors(f"inspect the image {name}"), contextlib.suppress(NotFound):
            image = client.api.inspect_image(name)
            labels = (image.get("Config") or {}).get("Labels") or {}
            found[name] = {"id": image["Id"], "source_hash": labels.get(image_source.LABEL)}
    return found


def load(client: DockerClient, path: str, sha256: str) -> None:
    """Load the images of a file whose checksum matches. Raises HostError."""
    found = checksum(path)
    if found != sha256:
        raise HostError(f"{path} is damaged: its sha256 is {found}, not {sha256}. Run the playbook again.")
    with engine_errors(f"load {path}"), open(path, "rb") as file:
        for line in client.api.load_image(file):
            if "error" in line:
                raise HostError(f"Docker could not load {path}: {line['error']}")


def pull(client: DockerClient, name: str, username: str | None, password: str | None) -> None:
    """Pull an image. The credentials go to the engine with this request and are not stored. Raises HostError."""
    credentials = {"username": username, "password": password} if username else None
    repository, _colon, tag = name.rpartition(":")
    with engine_errors(f"pull {name}"):
        client.api.pull(repository, tag=tag, auth_config=credentials)


def read_archive(folder: str, names: Iterable[str]) -> Index:
    """Return the entries of these images in an archive. Raises HostError when the archive lacks one or its file is incomplete."""
    index = _read_index(folder)
    for name in names:
        if not _is_complete(folder, index.get(name)):
            raise HostError(
                f"The archive {folder} has no complete {name}. Save the image with the playbook waba.cluster.images."
            )
    return {name: index[name] for name in names}


def stale_images(folder: str, present: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the names of images whose content an archive lacks. present: as from `facts`. Raises HostError."""
    index = _read_index(folder) if os.path.exists(os.path.join(folder, image_archive.INDEX)) else {}
    return [
        name
        for name, image in present.items()
        if index.get(name, {}).get("id") != image["id"] or not _is_complete(folder, index.get(name))
    ]


def save_to_archive(
    client: DockerClient, folder: str, present: Mapping[str, Mapping[str, Any]], names: Sequence[str]
) -> None:
    """Save images into an archive, which is created if missing. present: as from `facts`. Raises HostError.

    After each image the index is complete, so that an interrupted run leaves a valid archive.
    """
    _create_folder(folder)
    index = _read_index(folder) if os.path.exists(os.path.join(folder, image_archive.INDEX)) else {}
    for name in names:
        former = index.get(name, {}).get("file")
        index[name] = _save(client, folder, name, present[name])
        if former and former not in {entry["file"] for entry in index.values()}:
            files.remove(os.path.join(folder, former))
            files.remove(os.path.join(folder, sbom_file(former)))
        text = json.dumps(index, indent=2, sort_keys=True) + "\n"
        files.write(os.path.join(folder, image_archive.INDEX), text, READABLE)
        files.write(os.path.join(folder, image_archive.CHECKSUMS), image_archive.checksum_list(index), READABLE)


def _read_index(folder: str) -> Index:
    """Return {name: {"id", "source_hash", "file", "sha256", "size"}} of an archive. Raises HostError."""
    path = os.path.join(folder, image_archive.INDEX)
    state = files.read(path)
    if state is None:
        raise HostError(
            f"There is no archive of images: {path} is missing. Save one with the playbook waba.cluster.images."
        )
    try:
        return json.loads(state[0])
    except ValueError as error:
        raise HostError(f"{path} cannot be parsed: {error}. Save the archive again.") from error


def _is_complete(folder: str, entry: Mapping[str, Any] | None) -> bool:
    try:
        return entry is not None and os.stat(os.path.join(folder, entry["file"])).st_size == entry["size"]
    except OSError:
        return False


def _create_folder(path: str) -> None:
    """Create a folder and its missing parents, owned by the owner of the first existing parent. Raises HostError.

    Root may run this for a user whose home is above the folder.
    """
    existing, absent = os.path.abspath(path), []
    while not os.path.lexists(existing):
        absent.append(existing)
        existing = os.path.dirname(existing)
    try:
        owner = os.stat(existing)
        for folder in reversed(absent):
            os.mkdir(folder)
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                os.fchmod(descriptor, files.FOLDER_MODE)
                if os.geteuid() == 0:
                    os.fchown(descriptor, owner.st_uid, owner.st_gid)
            finally:
                os.close(descriptor)
    except OSError as error:
        raise HostError(f"Cannot create the folder {path}: {error.strerror}.") from error


def _save(client: DockerClient, folder: str, name: str, image: Mapping[str, Any]) -> dict[str, Any]:
    """Save an image into a folder; return its entry of the index. The file gets its name only when it is complete. Raises HostError."""
    file = image_archive.archive_file_name(name, image["id"])
    target = os.path.join(folder, file)
    descriptor, partial = tempfile.mkstemp(prefix=".saving-", dir=folder)
    try:
        digest = hashlib.sha256()
        with engine_errors(f"save {name}"), os.fdopen(descriptor, "wb") as output:
            for chunk in client.api.get_image(name, chunk_size=CHUNK):
                output.write(chunk)
                digest.update(chunk)
            os.fchmod(output.fileno(), READABLE)
            output.flush()
            os.fsync(output.fileno())
        os.replace(partial, target)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)
        if isinstance(error, OSError):
            raise HostError(f"{target} cannot be written: {error.strerror}.") from error
        raise
    return {**image, "file": file, "sha256": digest.hexdigest(), "size": os.stat(target).st_size}


def checksum(path: str) -> str:
    """Return the SHA-256 (hex) of a file. Raises HostError."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for chunk in iter(lambda: file.read(CHUNK), b""):
                digest.update(chunk)
    except OSError as error:
        raise HostError(f"{path} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()
