# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connection to the Docker engine of this host."""

from __future__ import annotations

import contextlib
import functools
import os.path
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import engine_features
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.engine_features import Features
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.command import SOCKET
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import DockerUnavailable, HostError

try:
    import docker
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    IMPORT_ERROR: ImportError | None = None
except ImportError as error:
    docker, IMPORT_ERROR = None, error  # type: ignore[assignment]
    DockerException = RequestException = HostError  # type: ignore[misc, assignment]  # never raised then; keeps the except clauses valid

if TYPE_CHECKING:
    from docker import DockerClient

REQUEST_TIMEOUT = 120  # seconds; stopping a busy database is the slowest single request


@functools.cache
def connect() -> DockerClient:
    """Return the client of this host's engine, regardless of DOCKER_HOST, for the API version of the engine. A process has one.

    Raises DockerUnavailable when the Docker SDK for Python is missing or the engine does not answer.
    """
    if docker is None:
        raise DockerUnavailable(
            f"The Docker SDK for Python is missing ({IMPORT_ERROR}). "
            "Install the Debian package python3-docker, or run the role waba.cluster.docker_host."
        )
    try:
        return docker.DockerClient(base_url=f"unix://{SOCKET}", version="auto", timeout=REQUEST_TIMEOUT)
    except (DockerException, RequestException) as error:
        raise DockerUnavailable(
            f"No Docker engine answers: {error}. Start it, or run the role waba.cluster.docker_host."
        ) from error


def features() -> Features:
    """Return the features of this host's engine; those of a usual one if no engine answers yet. Raises HostError."""
    try:
        client = connect()
    except DockerUnavailable:
        return engine_features.DEFAULT
    with engine_errors("report its features"):
        return engine_features.from_info(client.info())


def is_installed() -> bool:
    """Return whether this host has an engine, running or not. Without one it has no object of the cluster either."""
    return os.path.exists(SOCKET) or shutil.which("dockerd") is not None


@contextlib.contextmanager
def engine_errors(action: str) -> Iterator[None]:
    """Turn any error of the Docker SDK inside the block into a HostError. action: for the message, as in "list the containers"."""
    try:
        yield
    except (DockerException, RequestException) as error:
        raise HostError(f"Docker could not {action}: {error}") from error
