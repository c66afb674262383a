# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_objects_info
short_description: List the objects of a cluster on a host
version_added: 1.0.0
description:
  - Lists the containers, networks and volumes that carry the cluster's label, and the files that M(waba.cluster.compose_files)
    and M(waba.cluster.backup_schedule) wrote.
  - Before an uninstall, the list shows what will be removed; an empty list afterwards verifies the uninstall. A host without Docker has no objects.
  - Also reports whether Docker itself can be removed.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.cluster
  - waba.cluster.attributes.read_only
"""

EXAMPLES = r"""
- name: List the objects that are left
  waba.cluster.cluster_objects_info:
  register: left

- name: Verify that nothing is left
  ansible.builtin.assert:
    that: left.containers + left.networks + left.volumes + left.files == []
"""

RETURN = r"""
containers:
  description: Containers, running or not.
  returned: success
  type: list
  elements: dict
  sample: [{name: waba-wacore1-1, role: coreapp, state: running}]
networks:
  description: Names of networks.
  returned: success
  type: list
  elements: str
  sample: [waba_default]
volumes:
  description: Names of volumes. External volumes carry no label and are not listed.
  returned: success
  type: list
  elements: str
  sample: [waba_mysqlData, waba_whatsappMedia]
files:
  description: Paths of the files that were written for this cluster.
  returned: success
  type: list
  elements: str
  sample: [/opt/waba/db.env]
docker:
  description:
    - Whether Docker is C(installed), the removable C(packages) that the collection's installation added, and the C(blocker) - the reason against removing
      Docker, empty if there is none.
  returned: success
  type: dict
  sample: {installed: true, packages: [], blocker: the collection did not install it}
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup.io import schedule
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import engine, install, objects
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.removal import docker_blocker
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import DockerUnavailable, HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment

OPTIONS = {"cluster_name": {"type": "str", "default": "waba"}, "path": {"type": "path", "default": "/opt/waba"}}


def docker_objects(cluster: str, run_command: install.RunCommand) -> dict[str, Any]:
    """Return the cluster's containers, networks and volumes on this host, and the facts about Docker. Raises HostError."""
    noted = install.noted_packages()
    docker: dict[str, Any] = {"installed": engine.is_installed(), "packages": [], "blocker": ""}
    try:
        client = engine.connect()
    except DockerUnavailable:
        if docker["installed"]:
            raise
        return {"containers": [], "networks": [], "volumes": [], "docker": docker}
    found = objects.cluster_objects(client, cluster)
    docker["packages"] = install.removable_packages(run_command, noted) if noted else []
    docker["blocker"] = docker_blocker(noted, docker["packages"], *objects.all_names(client))
    return {
        "containers": [{key: item[key] for key in ("name", "role", "state")} for item in found["containers"]],
        "networks": [item["name"] for item in found["networks"]],
        "volumes": [item["name"] for item in found["volumes"]],
        "docker": docker,
    }


def cluster_files(folder: str, cluster: str) -> list[str]:
    """Return the paths of a cluster's files: those in a folder, and those of its schedule of backups."""
    found = {path: files.read(path) for path in (os.path.join(folder, name) for name in contract.ALL_FILES)}
    own = [path for path, state in found.items() if state and contract.is_managed(state[0], cluster)]
    return own + list(schedule.current_files({"path": folder, "cluster_name": cluster, "state": "absent"}))


def main() -> None:
    isolate_environment()
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    cluster = module.params["cluster_name"]
    try:
        found = docker_objects(cluster, module.run_command)
        module.exit_json(changed=False, files=cluster_files(module.params["path"], cluster), **found)
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
