# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: single_connect
short_description: Stop containers that run the same client outside the cluster
version_added: 1.0.0
description:
  - Two live connections for one number get the account banned. So containers that run the same client outside the cluster stop before the cluster starts.
  - A container counts if its command is its image's own or starts the client, without C(WA_APP_MULTICONNECT=1). A container of such an image with another
    command, or one that migrates the schema (C(WA_DB_UPGRADE=1)), opens no connection and is not stopped.
  - Containers are never removed. A container with the restart policy V(always), which would start again with the engine, gets V(unless-stopped).
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
requirements:
  - Docker SDK for Python (Debian package python3-docker)
options:
  state:
    description: V(stopped) stops the containers.
    type: str
    choices: [stopped]
    default: stopped
  images:
    description: Images of the cluster's nodes. Containers of the same repositories count, with any tag; those of the vendor's repositories always count.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Stop containers that run the same client outside the cluster
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
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import (
    containers,
    engine,
    live_single_connect,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import DockerUnavailable, HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment

OPTIONS = {
    "state": {"type": "str", "choices": ["stopped"], "default": "stopped"},
    "images": {"type": "list", "elements": "str", "required": True},
}


def main() -> None:
    isolate_environment()
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    found: list[containers.Inspected] = []
    try:
        client = engine.connect()
        found = live_single_connect.running(client, module.params["images"])
        for container in [] if module.check_mode else found:
            live_single_connect.stop(client, container)
    except DockerUnavailable as error:
        if not module.check_mode:
            module.fail_json(msg=str(error))
    except HostError as error:
        module.fail_json(msg=str(error))
    names = sorted(containers.name_of(container) for container in found)
    if names:
        module.warn(
            f"Stopped {', '.join(names)}: a second connection for the number gets the account banned. Nothing was removed."
        )
    diff = {
        "before": "".join(f"{name} running\n" for name in names),
        "after": "".join(f"{name} stopped\n" for name in names),
    }
    module.exit_json(changed=bool(names), stopped=names, diff=diff)


if __name__ == "__main__":
    main()
