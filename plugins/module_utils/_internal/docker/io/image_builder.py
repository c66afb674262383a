# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Builds images on this host's engine from Debian packages and a folder of files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import image_source
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.image_packages import Mirrors
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import image_packages
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

if TYPE_CHECKING:
    from docker import DockerClient

MEMORY, DISK = "/dev/shm", "/var/tmp"  # noqa: S108 - private folders are created inside them
REQUIRED_SPACE = 2 << 30  # bytes that a root file system may need while it is built


def read_packages(path: str) -> list[str]:
    """Return the packages that a file lists, one a line. Raises HostError."""
    try:
        with open(path, encoding="utf-8") as file:
            return [line.strip() for line in file if line.strip()]
    except OSError as error:
        raise HostError(f"{path} cannot be read: {error.strerror}") from error


def read_suite(folder: str, default: str) -> str:
    """Return the Debian suite for a folder's packages: the one in its `suite.txt` if only that suite has them, or the default. Raises HostError."""
    path = os.path.join(folder, "suite.txt")
    return read_packages(path)[0] if os.path.exists(path) else default


def read_files(folder: str) -> dict[str, tuple[int, str]]:
    """Return {relative path: (executable bits, SHA-256 in hex)} of the files that a build copies from a folder."""
    files = {}
    for parent, folders, names in os.walk(folder):
        # Caches, tests and hidden folders of tools are not sources: the same sources must give the same image.
        folders[:] = sorted(name for name in folders if name not in ("__pycache__", "tests") and name[0] != ".")
        for name in names:
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                content = hashlib.sha256(file.read()).hexdigest()
            files[os.path.relpath(path, folder)] = (os.stat(path).st_mode & 0o111, content)
    return files


def source_hash_of(client: DockerClient, name: str) -> str | None:
    """Return the source hash that an image carries as a label, or None. Raises HostError."""
    with engine_errors(f"inspect the image {name}"):
        images = client.images.list(name=name)
    return (images[0].labels or {}).get(image_source.LABEL) if images else None


def source_hash(context: str, suite: str, revision: str) -> str:
    """Return the hash of everything that the image of a folder is built from. suite: for a folder that names none. Raises HostError."""
    packages = read_packages(os.path.join(context, "packages.txt"))
    base_hash = image_source.base_hash(packages, read_suite(context, suite), revision)
    return image_source.image_hash(base_hash, read_files(context))


def has_image(client: DockerClient, name: str) -> bool:
    """Return whether the engine has an image of this name. Raises HostError."""
    with engine_errors(f"inspect the image {name}"):
        return bool(client.images.list(name=name))


def build_base(
    client: DockerClient,
    run_command: Callable[..., tuple[int, str, str]],
    name: str,
    packages: Sequence[str],
    suite: str,
    mirrors: Mirrors,
) -> None:
    """Build and import the image of a root file system. run_command: AnsibleModule.run_command. Raises HostError."""
    if not shutil.which("mmdebstrap"):
        raise HostError(
            "mmdebstrap is missing. Install the Debian package mmdebstrap, or run the role waba.cluster.images"
        )
    with tempfile.TemporaryDirectory(dir=build_folder()) as folder:
        target = os.path.join(folder, "rootfs.tar")
        command = image_source.mmdebstrap_command(packages, suite, image_packages.sources(suite, mirrors), target)
        status, output, errors = run_command(command, environ_update={"TMPDIR": folder})
        if status != 0:
            last = "\n".join((errors or output).splitlines()[-15:])
            raise HostError(
                f"mmdebstrap could not build {name} from {' and '.join(filter(None, mirrors))}:\n{last}\n"
                "If a mirror lacks an archive, set images_debian_mirror and images_debian_security_mirror."
            )
        repository, tag = name.rsplit(":", 1)
        with engine_errors(f"import {name}"):
            client.api.import_image_from_file(target, repository=repository, tag=tag)


def build(client: DockerClient, name: str, folder: str, base: str, source_hash: str) -> None:
    """Build an image from a folder's Containerfile on top of its root file system. Raises HostError with the last lines of the build."""
    with tempfile.TemporaryFile() as context, engine_errors(f"build {name}"):
        # The context holds exactly the hashed files. Links are resolved, since images share files.
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


def build_folder() -> str:
    """Return the folder to build a root file system in: the first one with enough space. The one in memory comes first, since it is several times faster.

    The packages run programs while they are configured, and hardened hosts mount such folders with noexec. Raises HostError if all are.
    """
    candidates = (MEMORY, tempfile.gettempdir(), DISK)
    usable = {folder: status for folder, status in _file_systems(candidates) if not status.f_flag & os.ST_NOEXEC}
    if not usable:
        raise HostError(
            f"Images cannot be built: {', '.join(dict.fromkeys(candidates))} are mounted with noexec. Run "
            f"'mount -o remount,exec {DISK}' for the build, or set images_source to archive, registry or preloaded."
        )
    spacious = [folder for folder, status in usable.items() if status.f_bavail * status.f_frsize > REQUIRED_SPACE]
    return [*spacious, *usable][0]


def _file_systems(folders: Sequence[str]) -> Iterator[tuple[str, os.statvfs_result]]:
    """Yield the existing folders, each with the status of its file system."""
    for folder in folders:
        with contextlib.suppress(OSError):
            yield folder, os.statvfs(folder)
