# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The docker compose command: it reads the cluster's Compose files and makes the changes. Secrets reach it through files, never through arguments."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.command import run_docker
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import DockerUnavailable, HostError

# Compose quotes the text that it cannot parse. In an environment file that text is a secret.
QUOTED_BY_PARSER = re.compile(r"(in variable name|unterminated quoted value).*", re.DOTALL)
PROJECT_NAME = re.compile(r"""^name:\s*['"]?([a-z0-9][a-z0-9_-]*)['"]?\s*$""", re.MULTILINE)


class Compose:
    """The Compose project of one file.

    run: AnsibleModule.run_command. file: path of the Compose file. The file alone decides on project, folder and variables; COMPOSE_* variables and
    an `.env` file beside it have no effect.
    """

    def __init__(self, run: Callable[..., tuple[int, str, str]], file: str) -> None:
        self._run, self._file = run, file

    def definition(self) -> dict[str, Any]:
        """Return the file as Compose resolves it, with its environment files. Raises HostError."""
        return json.loads(self._call("read the definition", "config", "--format", "json"))

    def up(self, services: Sequence[str], recreate: bool) -> None:
        """Start these services only. recreate: replace their containers; otherwise no container is replaced. Raises HostError."""
        self._call(
            f"bring up {', '.join(services)}",
            *("up", "--detach", "--no-build", "--pull", "never", "--no-deps"),
            "--force-recreate" if recreate else "--no-recreate",
            *services,
        )

    def stop(self, services: Sequence[str], timeout: int | None) -> None:
        """Stop these services. timeout: seconds before they are killed, None for the file's value. Raises HostError."""
        seconds = [] if timeout is None else ["--timeout", str(timeout)]
        self._call(f"stop {', '.join(services)}", "stop", *seconds, *services)

    def unpause(self, services: Sequence[str]) -> None:
        """Resume paused services. Raises HostError."""
        self._call(f"unpause {', '.join(services)}", "unpause", *services)

    def _project_name(self) -> str:
        try:
            with open(self._file, encoding="utf-8") as file:
                match = PROJECT_NAME.search(file.read())
        except OSError as error:
            raise HostError(f"{self._file} cannot be read: {error.strerror}.") from error
        if not match:
            raise HostError(f"{self._file} has no line 'name: PROJECT'. Write the file again with site.yml.")
        return match[1]

    def _call(self, doing: str, *arguments: str) -> str:
        project = [
            "--project-name",
            self._project_name(),
            "--project-directory",
            os.path.dirname(os.path.abspath(self._file)),
        ]
        inputs = ["--env-file", os.devnull, "--file", self._file]
        try:
            # The data answers the questions that Compose may ask with no, and closes its input.
            status, output, errors = run_docker(
                self._run,
                ["compose", "--ansi", "never", *project, *inputs, *arguments],
                handle_exceptions=False,
                data="n",
            )
        except OSError as error:
            raise DockerUnavailable(
                f"The docker command is missing ({error.strerror}). Run the role waba.cluster.docker_host."
            ) from error
        if status == 0:
            return output
        text = errors.strip() or output.strip()
        if "is not a docker command" in text or "unknown flag: --ansi" in text:
            raise DockerUnavailable("Docker Compose v2 is missing. Run the role waba.cluster.docker_host.")
        redacted = QUOTED_BY_PARSER.sub(r"\1 (redacted)", text)[-1500:]
        raise HostError(f"Docker Compose could not {doing} of {self._file}: {redacted}")
