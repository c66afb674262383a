# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands of the node on its database: `python3 -m waba_node COMMAND`, in a container beside a master of the host."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import LABEL_CLUSTER, LABEL_ROLE, PROGRAM
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers, one_shot
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import engine as docker_engine
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import redaction


def run(cluster: str, *arguments: str, database_host: str | None = None) -> dict[str, Any]:
    """Run a command with the image, the environment and the mounts of a master, which need not run. Return the JSON object that it prints.

    database_host: address of the database server, None for the one that the master uses.

    No secret is an argument. Raises HostError when the host has no master of the cluster, or the command fails.
    """
    client = docker_engine.connect()
    masters = containers.with_labels(client, f"{LABEL_CLUSTER}={cluster}", f"{LABEL_ROLE}=master")
    if not masters:
        raise HostError(f"This host has no master of the cluster {cluster}. Use a host of waba_masters.")
    environment = dict(entry.split("=", 1) for entry in masters[0]["Config"]["Env"])
    environment.update({"WA_DB_HOSTNAME": database_host} if database_host else {})
    with _redacted(environment):
        output = one_shot.run(client, cluster, masters[0]["Image"], [*PROGRAM, *arguments], environment)
    return answer(output, arguments[0], "the master's image")


def run_beside(
    cluster: str, image: str, environment: Mapping[str, str], container: str, *arguments: str
) -> dict[str, Any]:
    """Run a command in the network of a container (its id), without a master. Return the JSON object that it prints. Raises HostError."""
    with _redacted(environment):
        client = docker_engine.connect()
        output = one_shot.run_beside(client, cluster, image, [*PROGRAM, *arguments], environment, container)
    return answer(output, arguments[0], image)


@contextlib.contextmanager
def _redacted(environment: Mapping[str, str]) -> Iterator[None]:
    """Remove the secrets of an environment from the message of a HostError."""
    try:
        yield
    except HostError as error:
        raise HostError(redaction.redacted(str(error), redaction.secret_values(environment))) from error


def answer(output: str, command: str, image: str) -> dict[str, Any]:
    """Return the JSON object that a command of the node printed. Raises HostError. image: for the message."""
    try:
        found: dict[str, Any] = json.loads(output)
    except ValueError as error:
        raise HostError(
            f"The command {command} of {image} printed no JSON. Use an image of this collection's node."
        ) from error
    return found
