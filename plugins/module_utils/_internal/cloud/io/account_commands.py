# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The node's commands about the account of the Cloud API, each in a container that runs once. No secret is an argument or in the output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import PROGRAM
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import (
    containers,
    engine,
    node_command,
    one_shot,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import DockerUnavailable, HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import redaction

UNKNOWN_COMMAND = "invalid choice"  # argparse's message of an image that is older than the command


def has_image(image: str) -> bool:
    """Return whether the host has an image; False where no engine runs. Raises HostError."""
    try:
        return bool(containers.image_facts(engine.connect(), [image]))
    except DockerUnavailable:
        return False


def run(cluster: str, image: str, environment: Mapping[str, Any], *arguments: str) -> dict[str, Any]:
    """Run `python3 -m waba_node ARGUMENTS` in the image; return the JSON object that it prints; {} from an image without this command.

    environment: the variables of the Cloud API. Raises HostError.
    """
    texts = {name: str(value) for name, value in environment.items()}
    try:
        output = one_shot.run_alone(engine.connect(), cluster, image, [*PROGRAM, *arguments], texts)
    except HostError as error:
        if UNKNOWN_COMMAND in str(error):
            return {}
        raise HostError(redaction.redacted(str(error), redaction.secret_values(texts))) from error
    return node_command.answer(output, arguments[0], image)
