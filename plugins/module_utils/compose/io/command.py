# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Docker Compose v2, the command: it reads our files and makes the changes. Secrets reach it by its files alone, never by arguments."""

from __future__ import annotations

import json
import re

from ansible_collections.waba.cluster.plugins.module_utils.errors import DockerUnavailable, HostError

# Compose quotes what it cannot parse, and in an environment file that is a secret.
QUOTED_BY_PARSER = re.compile(r"(in variable name|unterminated quoted value).*", re.DOTALL)


class Compose:
    """The Compose project of one file. run: AnsibleModule.run_command. file: str, its path."""

    def __init__(self, run, file):
        self._run, self._file = run, file

    def definition(self):
        """Return the file as Compose understands it (dict), environment files resolved. Raises HostError."""
        return json.loads(self._call("read the definition", "config", "--format", "json"))

    def up(self, services, recreate):
        """Start these services only. recreate: bool, replace their containers; else never replace one."""
        self._call(
            f"bring up {', '.join(services)}",
            *("up", "--detach", "--no-build", "--pull", "never", "--no-deps"),
            "--force-recreate" if recreate else "--no-recreate",
            *services,
        )

    def stop(self, services, timeout):
        """Stop these services. timeout: int seconds before they are killed, None for what the file says."""
        self._call(
            f"stop {', '.join(services)}", "stop", *([] if timeout is None else ["--timeout", str(timeout)]), *services
        )

    def unpause(self, services):
        """Let paused services go on."""
        self._call(f"unpause {', '.join(services)}", "unpause", *services)

    def _call(self, doing, *arguments):
        try:
            status, output, errors = self._run(
                # The data answers Compose's rare questions with no, and closes its input.
                ["docker", "compose", "--ansi", "never", "--file", self._file, *arguments],
                handle_exceptions=False,
                data="n",
            )
        except OSError as error:
            raise DockerUnavailable(
                f"Docker's command is missing ({error.strerror}). Run the role waba.cluster.docker_host."
            ) from error
        if status == 0:
            return output
        said = errors.strip() or output.strip()
        if "is not a docker command" in said or "unknown flag: --ansi" in said:
            raise DockerUnavailable("Docker Compose v2 is missing. Run the role waba.cluster.docker_host.")
        shown = QUOTED_BY_PARSER.sub(r"\1 (not shown)", said)[-1500:]
        raise HostError(f"Docker Compose could not {doing} of {self._file}: {shown}")
