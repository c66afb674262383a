# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way to the Docker engine, for every module that needs it."""

from __future__ import annotations

import contextlib
import os.path
import shutil

from ansible_collections.waba.cluster.plugins.module_utils.docker.io.command import SOCKET
from ansible_collections.waba.cluster.plugins.module_utils.errors import DockerUnavailable, HostError

try:
    import docker
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    IMPORT_ERROR = None
except ImportError as error:
    docker, IMPORT_ERROR = None, error
    DockerException = RequestException = HostError  # never raised then; keeps the except clauses valid

REQUEST_TIMEOUT = 120  # seconds; stopping a busy database is the slowest single request


def connect():
    """Return a `docker.DockerClient` of this host's engine, whatever DOCKER_HOST says, in the engine's own API version.

    Raises DockerUnavailable when the Docker SDK for Python is missing or no engine answers.
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


def is_installed():
    """Return whether there is an engine on this host at all, answering or not; without one nothing of ours can be there either."""
    return os.path.exists(SOCKET) or shutil.which("dockerd") is not None


@contextlib.contextmanager
def engine_errors(doing):
    """Turn any error of the Docker SDK inside the block into a HostError.

    doing: str, what was tried, as in "list the containers".
    """
    try:
        yield
    except (DockerException, RequestException) as error:
        raise HostError(f"Docker could not {doing}: {error}") from error
