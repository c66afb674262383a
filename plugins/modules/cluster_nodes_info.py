# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_nodes_info
short_description: List the nodes of a host with their version and state
version_added: 1.0.0
description:
  - Reads the Compose files that M(waba.cluster.compose_files) wrote and the containers that carry the cluster's label. The database is not a node.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.cluster
  - waba.cluster.attributes.read_only
requirements:
  - Docker SDK for Python (Debian package python3-docker)
  - PyYAML (Debian package python3-yaml)
options:
  images:
    description: Names of images to report if the host has them.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: List the nodes
  waba.cluster.cluster_nodes_info:
    images: ["waba/node:v1.1.0"]
"""

RETURN = r"""
nodes:
  description: The nodes.
  returned: success
  type: list
  elements: dict
  sample:
    - service: wacore1
      role: coreapp
      file: /opt/waba/multiconnect-compose.yml
      file_image: waba/node:v1.0.0
      container: 0123456789ab
      image: waba/node:v1.0.0
      image_id: sha256:4711
      state: running
      health: healthy
      ports: [6250, 6251, 6252, 6253]
      address: 127.0.0.1
      second_secrets: true
images:
  description: The ids of O(images) that the host has, by name.
  returned: success
  type: dict
  sample: {"waba/node:v1.1.0": "sha256:4712"}
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.host_files import HAS_YAML
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io import live_nodes
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers, engine
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment

OPTIONS = {
    "cluster_name": {"type": "str", "default": "waba"},
    "path": {"type": "path", "default": "/opt/waba"},
    "images": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    isolate_environment()
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    params = module.params
    if not HAS_YAML:
        module.fail_json(msg=missing_required_lib("PyYAML"))
    try:
        client = engine.connect()
        nodes = live_nodes.observed(client, params["cluster_name"], params["path"])
        images = {name: facts["id"] for name, facts in containers.image_facts(client, params["images"]).items()}
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, nodes=nodes, images=images)


if __name__ == "__main__":
    main()
