# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: volumes
short_description: Check that the volumes which must exist do exist
version_added: 1.0.0
description:
  - An external volume and the folder of a bind mount must be there; a missing one is an error and is never made up, since an empty
    volume would hide that the data is elsewhere. Named volumes are created by Compose.
  - Refuses a change of source that would make an existing container of ours lose sight of its data.
  - Changes nothing.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
requirements:
  - Docker SDK for Python (Debian package python3-docker)
attributes:
  check_mode:
    details: Where Docker is not there yet, external volumes are not looked for.
options:
  cluster_name:
    description: The cluster whose containers are looked at. Named volumes begin with it.
    type: str
    default: waba
  volumes:
    description: Where data lives, as for M(waba.cluster.compose_files).
    type: dict
    required: true
    suboptions:
      media:
        description: The volume on C(/usr/local/wamedia).
        type: dict
        suboptions: &volume
          type:
            description: V(named) is created by Compose; V(external) is a volume, and V(bind) a folder, that must be there.
            type: str
            choices: [named, external, bind]
            default: named
          source:
            description: Name of the volume, or the folder's absolute path.
            type: str
            required: true
          owner:
            description: With V(bind), the numeric user id that the folder must belong to. Not looked at when absent.
            type: int
          mode:
            description: With V(bind), the mode that the folder must have, in octal, as in V("0770"). Not looked at when absent.
            type: str
      data:
        description: The volume on C(/usr/local/waent/data).
        type: dict
        suboptions: *volume
      database:
        description: The volume on C(/var/lib/mysql).
        type: dict
        suboptions: *volume
  allow_source_change:
    description: Accept that existing containers get another source for what they mount, because the data was copied or is not needed.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Use the folder on the share, and the database's old volume
  waba.cluster.volumes:
    volumes:
      media: {type: bind, source: /mnt/wamedia, mode: "0770"}
      database: {type: external, source: waba_mysql_2025}
"""

RETURN = r"""
volumes:
  description: Each volume, how it is mounted, and which containers of ours use it now.
  returned: success
  type: dict
  sample: {media: {type: bind, source: /mnt/wamedia, used_by: [waba-wacore-1]}}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils import problems
from ansible_collections.waba.cluster.plugins.module_utils.argspec import VOLUMES
from ansible_collections.waba.cluster.plugins.module_utils.compose import volumes as planner
from ansible_collections.waba.cluster.plugins.module_utils.compose.io import volume_usage as volume_use
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import engine as docker_engine
from ansible_collections.waba.cluster.plugins.module_utils.errors import DockerUnavailable, HostError

OPTIONS = {
    "cluster_name": {"type": "str", "default": "waba"},
    "volumes": {**VOLUMES, "required": True},
    "allow_source_change": {"type": "bool", "default": False},
}


def client_of(module):
    """Return a `docker.DockerClient`, in check mode None where there is no Docker yet. Raises DockerUnavailable."""
    try:
        return docker_engine.connect()
    except DockerUnavailable:
        if not module.check_mode:
            raise
    return None


def main():
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    params, cluster = module.params, module.params["cluster_name"]
    wanted = planner.given(params["volumes"])
    try:
        client = client_of(module)
        ours = volume_use.containers_of(client, cluster)
        wrong = volume_use.problems(params, wanted)
    except HostError as error:
        module.fail_json(msg=str(error))
    if wrong:
        msg = problems.message(wrong, cluster, "Nothing was touched; volumes to fix")
        module.fail_json(msg=msg, problems=[problem._asdict() for problem in wrong])
    facts = {}
    for kind, volume in wanted.items():
        source = planner.mount_source(cluster, volume)
        users = sorted(item["name"] for item in ours if source in item["mounts"].values())
        facts[kind] = {"type": volume["type"], "source": source[1], "used_by": users}
    module.exit_json(changed=False, volumes=facts)


if __name__ == "__main__":
    main()
