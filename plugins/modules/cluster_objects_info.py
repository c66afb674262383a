# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_objects_info
short_description: List everything of a cluster that a host holds
version_added: 1.0.0
description:
  - Lists the containers, networks and volumes that carry the cluster's label, and the files that C(waba.cluster.compose_files) wrote.
  - Before an uninstall it says what will go; after it, it is the proof that nothing is left. A host without Docker holds none.
  - Says too whether Docker itself could go.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
options:
  cluster_name:
    description: The cluster.
    type: str
    default: waba
  path:
    description: The folder in which to look for files.
    type: path
    default: /opt/waba
"""

EXAMPLES = r"""
- name: See what the host still holds
  waba.cluster.cluster_objects_info:
  register: left

- name: Prove that nothing is left
  ansible.builtin.assert:
    that: left.containers + left.networks + left.volumes + left.files == []
"""

RETURN = r"""
containers:
  description: Containers, running or not.
  returned: always
  type: list
  elements: dict
  sample: [{name: waba-wacore1-1, role: coreapp, state: running}]
networks:
  description: Names of networks.
  returned: always
  type: list
  elements: str
  sample: [waba_default]
volumes:
  description: Names of volumes. External ones carry no label, so they are not among them.
  returned: always
  type: list
  elements: str
  sample: [waba_mysqlData, waba_whatsappMedia]
files:
  description: Paths of files that were written for this cluster.
  returned: always
  type: list
  elements: str
  sample: [/opt/waba/db.env]
docker:
  description:
    - Whether Docker is C(installed), which C(packages) came when the collection installed it and may go, and why it C(stays) whatever is asked for;
      empty where it may go.
  returned: always
  type: dict
  sample: {installed: true, packages: [], stays: the collection did not install it}
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils import contract
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import engine as docker_engine
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import install, objects
from ansible_collections.waba.cluster.plugins.module_utils.docker.removal import docker_blocker
from ansible_collections.waba.cluster.plugins.module_utils.errors import DockerUnavailable, HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files

OPTIONS = {"cluster_name": {"type": "str", "default": "waba"}, "path": {"type": "path", "default": "/opt/waba"}}


def docker_objects(cluster, run_command):
    """Return the cluster's containers, networks and volumes on this host, and what becomes of Docker; none where there is no Docker. Raises HostError."""
    noted = install.noted_packages()
    docker = {"installed": docker_engine.is_installed(), "packages": [], "stays": ""}
    try:
        client = docker_engine.connect()
    except DockerUnavailable:
        if docker["installed"]:
            raise
        return {"containers": [], "networks": [], "volumes": [], "docker": docker}
    found = objects.cluster_objects(client, cluster)
    docker["packages"] = install.removable_packages(run_command, noted) if noted else []
    docker["stays"] = docker_blocker(noted, docker["packages"], *objects.all_names(client))
    return {
        "containers": [{key: item[key] for key in ("name", "role", "state")} for item in found["containers"]],
        "networks": [item["name"] for item in found["networks"]],
        "volumes": [item["name"] for item in found["volumes"]],
        "docker": docker,
    }


def our_files(folder, cluster):
    """Return the paths of the files in a folder that we wrote for a cluster."""
    found = {path: files.read(path) for path in (os.path.join(folder, name) for name in contract.ALL_FILES)}
    return [path for path, state in found.items() if state and contract.is_ours(state[0], cluster)]


def main():
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    cluster = module.params["cluster_name"]
    try:
        module.exit_json(
            changed=False,
            files=our_files(module.params["path"], cluster),
            **docker_objects(cluster, module.run_command),
        )
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
