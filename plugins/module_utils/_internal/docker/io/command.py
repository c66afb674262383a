# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The docker command, against this host's engine and without the user's Docker configuration."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence

SOCKET = "/var/run/docker.sock"
USER_PLUGINS = "~/.docker/cli-plugins"  # a manual installation puts Compose there


def run_docker(
    run_command: Callable[..., tuple[int, str, str]], arguments: Sequence[str], **options: object
) -> tuple[int, str, str]:
    """Run `docker` with arguments; return (exit status, output, errors). run_command, options: those of AnsibleModule.run_command.

    The user's ~/.docker/config.json may select another engine (`currentContext`) and puts its `proxies` into every container that Compose creates,
    which would then differ from its file. So the command gets a configuration of its own.
    """
    with tempfile.TemporaryDirectory(prefix="waba-docker-") as folder:
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
            json.dump({"cliPluginsExtraDirs": [os.path.expanduser(USER_PLUGINS)]}, file)
        environment = {"DOCKER_CONFIG": folder, "DOCKER_HOST": f"unix://{SOCKET}"}
        return run_command(["docker", *arguments], environ_update=environment, **options)
