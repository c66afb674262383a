# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: database_member_info
short_description: Observe the database member of a host
version_added: 1.0.0
description:
  - Reads the status of a running member from its server and its guard, or the position of its data in the cluster's history from the volume.
  - With O(arbitrator), reads the state of the container that votes with two members.
  - The filter P(waba.cluster.database_steps#filter) decides from the results of all members.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
requirements:
  - Docker SDK for Python (Debian package python3-docker)
options:
  cluster_name:
    description: The cluster.
    type: str
    default: waba
  image:
    description: The image of the database, which reads the position of a volume.
    type: str
    required: true
  volumes:
    description: The volumes of the host, as in M(waba.cluster.compose_files). The default volume of the database when absent.
    type: dict
  file:
    description: The Compose file of the member. Whether its containers differ from it is not reported when absent.
    type: path
  arbitrator:
    description: Observe the arbitrator of the host in place of a member.
    type: bool
    default: false
seealso:
  - module: waba.cluster.database_member
"""

EXAMPLES = r"""
- name: Observe the member of this host
  waba.cluster.database_member_info:
    image: waba/mariadb:v1.0.0
  register: member
"""

RETURN = r"""
running:
  description: Whether the container of the database runs.
  returned: success
  type: bool
joined:
  description: Whether the members count the vote of the arbitrator, as its last health check found.
  returned: with O(arbitrator)
  type: bool
initialised:
  description: Whether the volume has data, as far as it can be read.
  returned: where the container does not run, or runs a single server
  type: bool
member:
  description: Whether the data is that of a member.
  returned: where it is known
  type: bool
uuid:
  description: Identity of the cluster's history; zeros where the data has none.
  returned: where it is known
  type: str
  sample: 6d0b2a8e-5f3c-11ef-9d5e-0242ac110002
seqno:
  description: Position in the history.
  returned: where it is known
  type: int
  sample: 4711
clean:
  description: Whether the member left its last view in order.
  returned: where the container does not run
  type: bool
safe_to_bootstrap:
  description: Whether it was the last member of an orderly stopped cluster.
  returned: where the container does not run
  type: bool
unfinished_sst:
  description: Whether a state transfer was interrupted.
  returned: where the container does not run
  type: bool
bootstrap:
  description: The C(uuid), C(seqno) and C(run) of a permission to begin the cluster, null for none.
  returned: where the container does not run
  type: dict
status:
  description: Status of the cluster as the member sees it.
  returned: where the server answers
  type: str
  sample: Primary
state:
  description: State of the member.
  returned: where the server answers
  type: str
  sample: Synced
size:
  description: Number of members that it sees.
  returned: where the server answers
  type: int
  sample: 3
is_writer:
  description: Whether it is the member that writes.
  returned: success, of a member
  type: bool
remembered:
  description: The last C(uuid) and C(seqno) that the guard of this host stored; null where it stored none.
  returned: where the container does not run
  type: dict
encrypted:
  description: Whether the member encrypts what it exchanges with the others.
  returned: where a member runs
  type: bool
encrypts:
  description: Whether its definition in the Compose file does.
  returned: where there is a Compose file
  type: bool
due:
  description: Whether a container differs from the Compose file.
  returned: success, of a member
  type: bool
serving:
  description: Whether the member is Primary and Synced, and a writer is known to its guard.
  returned: success, of a member
  type: bool
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io.command import Compose
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io.project import Project
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.volumes import with_defaults
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io import member
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import engine
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment


def observe(module: AnsibleModule) -> dict[str, Any]:
    """Return the module's result. Raises HostError."""
    params = module.params
    client = engine.connect()
    if params["arbitrator"]:
        return member.observe_arbitrator(client, params["cluster_name"])
    volume = with_defaults(params["volumes"])["database"]
    found = member.observe(client, params["cluster_name"], params["image"], volume)
    found["due"] = False
    if params["file"] and os.path.exists(params["file"]):
        definition = Compose(module.run_command, params["file"]).definition()
        found["encrypts"] = member.encrypts(definition)
        found["due"] = found["running"] and bool(Project(client, None, None, definition).actions("present"))
    synced = (found.get("status"), found.get("state")) == ("Primary", "Synced")
    return {"is_writer": False, **found, "serving": synced and bool(found.get("writer"))}


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "cluster_name": {"type": "str", "default": "waba"},
            "image": {"type": "str", "required": True},
            "volumes": {"type": "dict"},
            "file": {"type": "path"},
            "arbitrator": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(changed=False, **observe(module))
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
