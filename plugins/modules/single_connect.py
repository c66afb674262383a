# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: single_connect
short_description: Stop single-connect containers of the same client
version_added: 1.0.0
description:
  - Two live connections for one number get the account banned. So what runs the same client outside the cluster is stopped before the cluster starts.
  - A container counts whose command is its image's own or starts the client, without C(WA_APP_MULTICONNECT=1). One that runs something else from such an
    image, or changes the schema (C(WA_DB_UPGRADE=1)), connects nobody and goes on.
  - Containers are never deleted. One that would come back with the engine (restart policy V(always)) gets V(unless-stopped).
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
requirements:
  - Docker SDK for Python (Debian package python3-docker)
options:
  state:
    description: They are stopped.
    type: str
    choices: [stopped]
    default: stopped
  images:
    description: Images of the cluster's nodes; containers of the same repositories count, whatever their tag. The vendor's own count always.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Stop single-connect containers of the same client
  waba.cluster.single_connect:
    images: ["waba/node:v1.0.0"]
"""

RETURN = r"""
stopped:
  description: Names of the containers that were stopped (or would be, in check mode).
  returned: always
  type: list
  elements: str
  sample: [biz_wacore_1]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import engine as docker_engine
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import live_single_connect as single_connect
from ansible_collections.waba.cluster.plugins.module_utils.errors import DockerUnavailable, HostError


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["stopped"], "default": "stopped"},
            "images": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        client = docker_engine.connect()
        found = single_connect.running(client, module.params["images"])
        for container in [] if module.check_mode else found:
            single_connect.stop(client, container)
    except DockerUnavailable as error:
        if not module.check_mode:
            module.fail_json(msg=str(error))
        found = []
    except HostError as error:
        module.fail_json(msg=str(error))
    names = sorted(container["Name"].lstrip("/") for container in found)
    if names:
        module.warn(
            f"Stopped, since a second connection for the number gets the account banned: {', '.join(names)}. Nothing was deleted."
        )
    diff = {
        "before": "".join(f"{name} running\n" for name in names),
        "after": "".join(f"{name} stopped\n" for name in names),
    }
    module.exit_json(changed=bool(names), stopped=names, diff=diff)


if __name__ == "__main__":
    main()
