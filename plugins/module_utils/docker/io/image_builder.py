# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes images on this host's engine, from Debian packages and a folder of files."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile

from ansible_collections.waba.cluster.plugins.module_utils.docker import image_source
from ansible_collections.waba.cluster.plugins.module_utils.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError

MEMORY = "/dev/shm"  # noqa: S108 - a private folder is made inside it
ROOM = 2 << 30  # bytes that a root file system in the making may need


def read_packages(path):
    """Return the packages (list of str) that a file names, one a line. Raises HostError."""
    try:
        with open(path, encoding="utf-8") as file:
            return [line.strip() for line in file if line.strip()]
    except OSError as error:
        raise HostError(f"{path} cannot be read: {error.strerror}") from error


def read_suite(folder, otherwise):
    """Return the Debian suite (str) that a folder's packages are from: the one that it names, where one alone has them. Raises HostError."""
    path = os.path.join(folder, "suite.txt")
    return read_packages(path)[0] if os.path.exists(path) else otherwise


def read_files(folder):
    """Return {relative path: (mode as int, sha256 as hex str)} of what a build copies from a folder."""
    files = {}
    for parent, folders, names in os.walk(folder):
        # What tools leave behind is no part of it: the same sources must be the same image.
        folders[:] = sorted(name for name in folders if name not in ("__pycache__", "tests") and name[0] != ".")
        for name in names:
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                content = hashlib.sha256(file.read()).hexdigest()
            files[os.path.relpath(path, folder)] = (os.stat(path).st_mode & 0o111, content)
    return files


def label_of(client, name):
    """Return the source hash that an image carries, or None."""
    with engine_errors(f"look for the image {name}"):
        found = client.images.list(name=name)
    return (found[0].labels or {}).get(image_source.LABEL) if found else None


def make_base(client, run_command, name, packages, suite, mirror):
    """Make the root file system's image. run_command: AnsibleModule.run_command. Raises HostError."""
    if not shutil.which("mmdebstrap"):
        raise HostError(
            "mmdebstrap is missing. Install the Debian package mmdebstrap, or run the role waba.cluster.images"
        )
    with tempfile.TemporaryDirectory(dir=_roomy_folder()) as folder:
        target = os.path.join(folder, "rootfs.tar")
        command = image_source.mmdebstrap_command(packages, suite, mirror, target)
        status, out, error = run_command(command, environ_update={"TMPDIR": folder})
        if status != 0:
            last = "\n".join((error or out).splitlines()[-15:])
            raise HostError(f"mmdebstrap could not make {name} from {mirror}:\n{last}")
        repository, tag = name.rsplit(":", 1)
        with engine_errors(f"import {name}"):
            client.api.import_image_from_file(target, repository=repository, tag=tag)


def build(client, name, folder, base, source_hash):
    """Build the image itself, on top of its root file system. Raises HostError with the last lines of the build."""
    with tempfile.TemporaryFile() as context, engine_errors(f"build {name}"):
        # What the hash is of, and links as what they lead to: images share files.
        with tarfile.open(fileobj=context, mode="w", dereference=True) as archive:
            for path in sorted(read_files(folder)):
                archive.add(os.path.join(folder, path), arcname=path)
        context.seek(0)
        client.images.build(
            fileobj=context,
            custom_context=True,
            dockerfile="Containerfile",
            tag=name,
            buildargs={"BASE": base},
            labels={image_source.LABEL: source_hash},
            rm=True,
            forcerm=True,
        )


def _roomy_folder():
    """Return a folder in memory where there is room: several times faster than a disk."""
    try:
        memory = os.statvfs(MEMORY)
    except OSError:
        return None
    return MEMORY if memory.f_bavail * memory.f_frsize > ROOM else None
