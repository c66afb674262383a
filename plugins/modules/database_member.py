# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: database_member
short_description: Apply one step to the database member of a host
version_added: 1.0.0
description:
  - Applies a step that the filter P(waba.cluster.database_steps#filter) decided. The containers themselves are the subject of
    M(waba.cluster.compose_project).
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
requirements:
  - Docker SDK for Python (Debian package python3-docker)
attributes:
  idempotent:
    support: partial
    details: O(state=bootstrap) and O(state=withdrawn) write again what is there, and O(state=drained) drains again.
options:
  state:
    description:
      - V(bootstrap) permits the volume to begin the cluster once, if its data is at the position O(uuid) and O(seqno).
      - V(withdrawn) removes such a permission.
      - V(killed) kills a server that is not Primary, so that the position of its data can be read.
      - V(reader) hands over to O(successor), where this member is the writer.
      - V(drained) lets the proxies direct nothing to a member that runs, before it stops. A writer hands over first, unless no other member is in step.
    type: str
    choices: [bootstrap, withdrawn, killed, reader, drained]
    required: true
  cluster_name:
    description: The cluster.
    type: str
    default: waba
  image:
    description: The image of the database. Required to write to the volume.
    type: str
  volumes:
    description: The volumes of the host, as in M(waba.cluster.compose_files). The default volume of the database when absent.
    type: dict
  uuid:
    description: Identity of the history to continue; zeros to begin one.
    type: str
    default: 00000000-0000-0000-0000-000000000000
  seqno:
    description: Position in the history; V(-1) to begin one.
    type: int
    default: -1
  new_history:
    description:
      - Give the history another identity, because other members may have later commits, which are given up. They copy all data when they join.
    type: bool
    default: false
  successor:
    description: Name of the member that becomes the writer.
    type: str
seealso:
  - module: waba.cluster.database_member_info
"""

EXAMPLES = r"""
- name: Permit the volume of this host to begin the cluster
  waba.cluster.database_member:
    state: bootstrap
    image: waba/mariadb:v1.0.0
"""

RETURN = r"""
"""

import uuid

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.volumes import with_defaults
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.bootstrap import NO_SEQNO, NO_UUID
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io import member
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import engine
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment


def apply(module: AnsibleModule) -> bool:
    """Apply the step; return whether something changed. Raises HostError."""
    params = module.params
    if module.check_mode and params["state"] != "drained":
        return True
    client, cluster, image = engine.connect(), params["cluster_name"], params["image"]
    volume = with_defaults(params["volumes"])["database"]
    if params["state"] == "bootstrap":
        position = (params["uuid"], params["seqno"])
        run = f"run-{uuid.uuid4().hex[:8]}"
        new = params["new_history"]
        member.permit_bootstrap(client, cluster, image, volume, position, run, new_history=new)
    elif params["state"] == "withdrawn":
        member.withdraw_bootstrap(client, cluster, image, volume)
    elif params["state"] == "killed":
        return member.kill(client, cluster)
    elif params["state"] == "drained":
        return member.drain(client, cluster, check_mode=module.check_mode)
    else:
        member.hand_over(client, cluster, params["successor"])
    return True


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "state": {
                "type": "str",
                "choices": ["bootstrap", "withdrawn", "killed", "reader", "drained"],
                "required": True,
            },
            "cluster_name": {"type": "str", "default": "waba"},
            "image": {"type": "str"},
            "volumes": {"type": "dict"},
            "uuid": {"type": "str", "default": NO_UUID},
            "seqno": {"type": "int", "default": NO_SEQNO},
            "new_history": {"type": "bool", "default": False},
            "successor": {"type": "str"},
        },
        required_if=[
            ("state", "reader", ["successor"]),
            ("state", "bootstrap", ["image"]),
            ("state", "withdrawn", ["image"]),
        ],
        supports_check_mode=True,
    )
    try:
        module.exit_json(changed=apply(module))
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
