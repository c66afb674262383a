# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The environment of the collection's modules and of every command that they start, defined once.

A module inherits the environment of its surroundings: a shell on the controller, /etc/environment, sshd, sudo. Variables such as
COMPOSE_PROJECT_NAME, DOCKER_HOST, LD_PRELOAD, http_proxy, SSL_CERT_FILE or LANG would change the effect of its commands and the language of their
output. Only the variables listed here pass.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

PASSED = ("HOME", "LOGNAME", "PATH", "SHELL", "TMPDIR", "USER")
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
LOCALE = {"LC_ALL": "C.UTF-8"}
SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def command_environment(surrounding: Mapping[str, str], *, downloads: bool = False) -> dict[str, str]:
    """Return the environment for commands, given the one that surrounds this process.

    downloads: whether the commands fetch files from other machines; the proxy settings of the host then pass too.
    """
    names = (*PASSED, *PROXIES) if downloads else PASSED
    environment = {name: surrounding[name] for name in names if name in surrounding}
    folders = [folder for folder in environment.get("PATH", "").split(":") if folder]
    folders += [folder for folder in SYSTEM_PATH if folder not in folders]
    return {**environment, "PATH": ":".join(folders), **LOCALE}


def use_proxy(variables: Mapping[str, str]) -> None:
    """Replace the proxy settings of this process. variables: as from `egress.variables`, {} to retain those of the host. Some programs read lower case only."""
    os.environ.update(variables)
    os.environ.update({name.lower(): value for name, value in variables.items()})


def isolate_environment(*, downloads: bool = False) -> None:
    """Replace this process's environment by `command_environment`. The first statement of every module's main()."""
    environment = command_environment(os.environ, downloads=downloads)
    os.environ.clear()
    os.environ.update(environment)
