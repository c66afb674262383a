# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_engine
short_description: See what a host lacks to run the cluster, and start its Docker engine
version_added: 1.0.0
description:
  - Says which packages are missing. Where none is, sees that the Docker engine answers, and starts it when it does not.
  - Where it does not run, and an installation of packages was interrupted, that is finished first (C(dpkg --configure -a)).
  - Starts it by systemd, else by its init script, else as a detached process of its own. A running engine is never restarted.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
options:
  state:
    description: The engine runs, where everything that it needs is installed.
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
  description: Packages to install before the engine can run here. Nothing is started while there are any.
  returned: always
  type: list
  elements: str
  sample: [docker-compose, docker.io]
compose_suite:
  description: The Debian suite that has Compose v2, where the host's own has none.
  returned: always
  type: str
mirror:
  description: The Debian or Ubuntu mirror that the host uses.
  returned: always
  type: str
method:
  description: How the engine was started.
  returned: when it was
  type: str
  sample: systemd
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils.docker import packages as host_packages
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import install as engine_host
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["started"], "default": "started"},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    release = engine_host.os_release()
    distribution = release.get("ID", ""), release.get("VERSION_ID", "")
    missing, running, finished = engine_host.missing_software(module.run_command), engine_host.engine_answers(), False
    try:
        if (missing or not running) and not module.check_mode:
            finished = engine_host.finish_installation(module.run_command)
            missing, running = engine_host.missing_software(module.run_command), engine_host.engine_answers()
        result = {
            "changed": bool(missing) or finished,
            "missing_packages": host_packages.packages_for(missing, *distribution),
            "compose_suite": host_packages.compose_suite(missing, *distribution),
            "mirror": host_packages.find_mirror(engine_host.apt_sources()),
        }
        if not missing and not running:
            result["changed"] = True
            if not module.check_mode:
                result["method"] = engine_host.start(module.run_command, module.params["timeout"])
    except (HostError, host_packages.UnknownDistribution) as error:
        module.fail_json(msg=f"{error}. Supported are Debian 12 and 13, and Ubuntu LTS." if missing else str(error))
    states = [f"engine {'runs' if running else 'does not run'}, missing: {', '.join(missing) or 'nothing'}\n"]
    states.append("engine runs, missing: nothing\n")
    module.exit_json(diff={"before": states[0], "after": states[1]}, **result)


if __name__ == "__main__":
    main()
