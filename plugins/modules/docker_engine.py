# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_engine
short_description: Start a host's Docker engine, and list the packages that it lacks
version_added: 1.0.0
description:
  - Lists the packages to install before the engine can run. If there are none, makes sure that the Docker engine answers.
  - Asks for the engine, the command and Compose, not for packages, so Docker from any source is accepted. Where C(docker-ce), C(docker-ce-cli) or
    C(docker-compose-plugin) is installed, missing parts come from Docker's own repository, because the packages of the distribution conflict with them.
  - First finishes an interrupted installation of packages (C(dpkg --configure -a)) if the engine does not run.
  - Starts the engine with systemd, with its init script, or as a detached process, in that order.
  - Writes the files from which systemd passes O(egress_proxy) to the engine, or removes them. A running engine is restarted only to use another proxy, and
    only if no container stops with it; otherwise the module fails after it has written the files.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
  - waba.cluster.egress
options:
  state:
    description: V(started) starts the engine if everything that it needs is installed.
    type: str
    choices: [started]
    default: started
  timeout:
    description: Seconds to wait until the engine answers.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Start the Docker engine
  waba.cluster.docker_engine:
    state: started
"""

RETURN = r"""
missing_packages:
  description: Packages to install before the engine can run. Nothing is started while there are any.
  returned: always
  type: list
  elements: str
  sample: [docker-compose, docker.io]
compose_suite:
  description: The Debian suite that provides Compose v2, if the host's own suite does not.
  returned: always
  type: str
mirror:
  description: The Debian or Ubuntu mirror in the host's apt sources.
  returned: always
  type: str
method:
  description: How the engine was started or restarted.
  returned: when it was started or restarted
  type: str
  sample: systemd
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal import egress
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import EGRESS_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import packages
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import install, live_engine_proxy
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment

OPTIONS = {
    "state": {"type": "str", "choices": ["started"], "default": "started"},
    "timeout": {"type": "int", "default": 60},
    **EGRESS_OPTIONS,
}


def start(module: AnsibleModule, missing: list[str], is_running: bool) -> dict[str, Any]:
    """Start the engine if nothing is missing; return the module's result. Raises HostError, UnknownDistribution."""
    release, proxy, timeout = install.os_release(), module.params["egress_proxy"], module.params["timeout"]
    wanted = (missing, release.get("ID", ""), release.get("VERSION_ID", ""))
    docker_ce = bool(missing) and install.has_docker_ce(module.run_command)
    differs = bool(live_engine_proxy.differing_files(proxy))
    is_stale = is_running and live_engine_proxy.is_stale(proxy)
    result: dict[str, Any] = {
        "changed": bool(missing) or not is_running or differs or is_stale,
        "missing_packages": packages.packages_for(*wanted, docker_ce=docker_ce),
        "compose_suite": packages.compose_suite(*wanted, docker_ce=docker_ce),
        "mirror": packages.find_mirror(install.apt_sources()),
    }
    if module.check_mode:
        return result
    if differs:
        live_engine_proxy.write_files(proxy)  # before a package starts the engine
        install.reload_units(module.run_command)
    if not missing and not is_running:
        result["method"] = install.start(module.run_command, timeout, egress.variables(proxy))
    elif not missing and is_stale:
        result["method"] = install.restart(module.run_command, timeout)
    return result


def found(module: AnsibleModule) -> tuple[list[str], bool]:
    """Return (the requirements that the host lacks, whether its engine answers)."""
    compose = install.compose_version(module.run_command)
    return install.missing_software(compose), install.engine_answers()


def main() -> None:
    isolate_environment()
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    (missing, is_running), is_finished = found(module), False
    try:
        if (missing or not is_running) and not module.check_mode:
            is_finished = install.finish_installation(module.run_command)
            missing, is_running = found(module)
        result = start(module, missing, is_running)
    except (HostError, packages.UnknownDistribution) as error:
        module.fail_json(msg=f"{error}. Supported are Debian 12 and 13, and Ubuntu LTS." if missing else str(error))
    before = f"engine {'runs' if is_running else 'does not run'}, missing: {', '.join(missing) or 'nothing'}\n"
    result["changed"] = result["changed"] or is_finished
    module.exit_json(diff={"before": before, "after": "engine runs, missing: nothing\n"}, **result)


if __name__ == "__main__":
    main()
