# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host's images: what it has, and how they come and go as files or from a registry."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile

from ansible_collections.waba.cluster.plugins.module_utils.docker import image_archive as image_supply
from ansible_collections.waba.cluster.plugins.module_utils.docker import image_source
from ansible_collections.waba.cluster.plugins.module_utils.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files

try:
    from docker.errors import NotFound
except ImportError:
    NotFound = LookupError

PIECE = 2**20  # bytes read at a time
READABLE = 0o644  # nothing in an image is secret, and whoever runs Ansible copies what root may have saved


def facts(client, names):
    """Return {name: {"id", "source_hash"}} of those images that the host has."""
    found = {}
    for name in names:
        with engine_errors(f"inspect the image {name}"), contextlib.suppress(NotFound):
            image = client.api.inspect_image(name)
            labels = (image.get("Config") or {}).get("Labels") or {}
            found[name] = {"id": image["Id"], "source_hash": labels.get(image_source.LABEL)}
    return found


def load(client, path, sha256):
    """Load the images of an archive, if it is the one that is meant. Raises HostError."""
    found = checksum(path)
    if found != sha256:
        raise HostError(f"{path} did not arrive as it was saved (its sha256 is {found}, not {sha256}). Run again.")
    with engine_errors(f"load {path}"), open(path, "rb") as file:
        for line in client.api.load_image(file):
            if "error" in line:
                raise HostError(f"Docker could not load {path}: {line['error']}")


def pull(client, name, username, password):
    """Pull an image; the credentials go to the engine with this request alone, and are kept nowhere. Raises HostError."""
    credentials = {"username": username, "password": password} if username else None
    repository, _colon, tag = name.rpartition(":")
    with engine_errors(f"pull {name}"):
        client.api.pull(repository, tag=tag, auth_config=credentials)


def read_index(folder):
    """Return {name: {"id", "source_hash", "file", "sha256", "size"}} of an archive. Raises HostError."""
    path = os.path.join(folder, image_supply.INDEX)
    state = files.read(path)
    if state is None:
        raise HostError(
            f"There is no archive of images: {path} is missing. Save one with the playbook waba.cluster.images."
        )
    try:
        return json.loads(state[0])
    except ValueError as error:
        raise HostError(f"{path} cannot be understood: {error}. Save the archive again.") from error


def have_folder(path):
    """Make a folder, and parents that are missing, for whom the folder belongs to in which the first is made. Raises HostError.

    Root may run this for a user in whose home the folder is.
    """
    there, absent = os.path.abspath(path), []
    while not os.path.lexists(there):
        absent.append(there)
        there = os.path.dirname(there)
    try:
        owner = os.stat(there)
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
        raise HostError(f"Cannot make the folder {path}: {error.strerror}.") from error


def save(client, folder, name, fact):
    """Save an image into an archive; return its entry of the index. A file that is whole has its name, one that is not has another."""
    file = image_supply.file_name(name, fact["id"])
    target = os.path.join(folder, file)
    descriptor, beside = tempfile.mkstemp(prefix=".saving-", dir=folder)
    try:
        digest = hashlib.sha256()
        with engine_errors(f"save {name}"), os.fdopen(descriptor, "wb") as output:
            for piece in client.api.get_image(name, chunk_size=PIECE):
                output.write(piece)
                digest.update(piece)
            os.fchmod(output.fileno(), READABLE)
            output.flush()
            os.fsync(output.fileno())
        os.replace(beside, target)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
        if isinstance(error, OSError):
            raise HostError(f"{target} cannot be written: {error.strerror}.") from error
        raise
    return {**fact, "file": file, "sha256": digest.hexdigest(), "size": os.stat(target).st_size}


def checksum(path):
    """Return the sha256 (hex str) of a file. Raises HostError."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for piece in iter(lambda: file.read(PIECE), b""):
                digest.update(piece)
    except OSError as error:
        raise HostError(f"{path} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()
