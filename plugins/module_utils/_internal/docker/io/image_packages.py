# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Debian packages in the images of this host: the mirrors of a build, available updates, and bills of materials."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import image_packages
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.image_packages import Mirrors, Update
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import install
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.packages import (
    find_mirror,
    find_security_mirror,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

try:
    from docker.errors import NotFound
except ImportError:
    NotFound = LookupError  # type: ignore[misc, assignment]

if TYPE_CHECKING:
    from docker import DockerClient

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
STATUS = "var/lib/dpkg/status"
SBOM_PACKAGE = "debsbom[cdx]"


def find_mirrors(mirror: str | None, security_mirror: str | None) -> Mirrors:
    """Return the mirrors of a build: the given ones, or those of this host if it is a Debian host. Raises HostError when none is known."""
    sources = install.apt_sources() if install.os_release().get("ID") == "debian" else []
    chosen = mirror or find_mirror(sources)
    if not chosen:
        raise HostError("No Debian mirror is known on this host. Set images_debian_mirror to the address of one.")
    own = None if mirror else find_security_mirror(sources)
    return image_packages.with_security(chosen.rstrip("/"), security_mirror, own)


def sources(suite: str, mirrors: Mirrors) -> list[str]:
    """Return the lines of a sources.list for a suite, signed by Debian's keyring if this host has it."""
    return image_packages.apt_sources(suite, mirrors, KEYRING if os.path.exists(KEYRING) else None)


def status_of(client: DockerClient, name: str) -> bytes | None:
    """Return the package status (/var/lib/dpkg/status) in an image; None if the engine lacks the image or it has no Debian packages. Raises HostError.

    The image is read through a container that is never started.
    """
    with engine_errors(f"read the packages of {name}"):
        try:
            container = client.api.create_container(name, command=["true"])["Id"]
        except NotFound:
            return None
        try:
            stream, _stat = client.api.get_archive(container, f"/{STATUS}")
            packed = b"".join(stream)
        except NotFound:
            return None
        finally:
            client.api.remove_container(container, v=True)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        file = archive.extractfile(os.path.basename(STATUS))
        return file.read() if file else None


def updates(
    run_command: install.RunCommand, suite: str, mirrors: Mirrors, status: Mapping[str, bytes]
) -> dict[str, list[Update]]:
    """Return {image name: the packages with a newer version} after one update of apt's lists. Raises HostError.

    run_command: AnsibleModule.run_command. status: {image name: as from `status_of`}, of images with packages of this suite.
    """
    with tempfile.TemporaryDirectory() as folder:
        for path in ("state/lists/partial", "cache/archives/partial"):
            os.makedirs(os.path.join(folder, path))
        _write(folder, "sources.list", "".join(f"{line}\n" for line in sources(suite, mirrors)).encode())
        _write(folder, "status", b"")
        apt = image_packages.private_apt(folder, suite)
        _run(run_command, [*apt, "-o", "APT::Update::Error-Mode=any", "update"], f"read the package lists of {suite}")
        found = {}
        for name, content in status.items():
            _write(folder, "status", content)
            output = _run(run_command, [*apt, "--simulate", "dist-upgrade"], f"compare the packages of {name}")
            found[name] = image_packages.parse_updates(output)
        return found


def find_sbom_program(path: str) -> str:
    """Return the path of the program debsbom. Raises HostError if it is not there."""
    found = shutil.which(path)
    if not found:
        raise HostError(
            f"images_sbom is {path}: there is no such program. Install it with pip install '{SBOM_PACKAGE}', or leave the setting empty."
        )
    return found


def write_sbom(
    run_command: install.RunCommand, program: str, name: str, source_hash: str | None, status: bytes, target: str
) -> None:
    """Write the bill of materials of an image to a file. program: debsbom. status: as from `status_of`. Raises HostError."""
    with _root_with(status) as root:
        # debsbom adds its suffix. The file gets its name only when it is complete.
        draft = os.path.join(root, "draft")
        command = image_packages.sbom_command(program, name, source_hash, root, draft)
        _run(run_command, command, f"write the bill of materials of {name}")
        with open(f"{draft}.cdx.json", "rb") as file:
            content = file.read()
    descriptor, partial = tempfile.mkstemp(prefix=".saving-", dir=os.path.dirname(target))
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), 0o644)
    os.replace(partial, target)


@contextlib.contextmanager
def _root_with(status: bytes) -> Iterator[str]:
    """A root file system that consists of nothing but a package status."""
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, os.path.dirname(STATUS)))
        _write(root, STATUS, status)
        yield root


def _write(folder: str, name: str, content: bytes) -> None:
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)


def _run(run_command: install.RunCommand, command: list[str], action: str) -> str:
    status, output, errors = run_command(command)
    if status != 0:
        last = "\n".join((errors or output).strip().splitlines()[-10:])
        raise HostError(f"{os.path.basename(command[0])} could not {action}:\n{last}")
    return output
