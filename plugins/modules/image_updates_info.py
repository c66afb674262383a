# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: image_updates_info
short_description: List the packages of images for which the Debian mirrors have updates
version_added: 1.0.0
description:
  - Compares the Debian packages in images of this host's engine with the newest ones of a suite, its updates and its security updates.
  - Reads the package lists of the mirrors into a temporary folder. The host's own apt configuration and lists are neither used nor changed.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
  - waba.cluster.egress
requirements:
  - Docker SDK for Python (Debian package python3-docker)
  - apt
options:
  images:
    description: The images by name, each with the folder that it was built from. A C(suite.txt) in the folder names the suite.
    type: dict
    required: true
  mirror:
    description: The Debian mirror. The mirror of the host by default, if that is a Debian host.
    type: str
  security_mirror:
    description: The mirror of Debian's security archive, as for M(waba.cluster.image).
    type: str
  suite:
    description: The suite of images whose folder names none.
    type: str
    default: trixie
seealso:
  - module: waba.cluster.image
"""

EXAMPLES = r"""
- name: List the updates for the node's image
  waba.cluster.image_updates_info:
    images:
      waba/node:v1.0.0: /opt/waba/images/node
"""

RETURN = r"""
updates:
  description: The packages with a newer version.
  returned: success
  type: list
  elements: dict
  sample: [{image: "waba/node:v1.0.0", package: libssl3t64, installed: 3.5.1-1, candidate: 3.5.1-1+deb13u1}]
unknown:
  description: The images that the engine lacks, or that have no Debian packages.
  returned: success
  type: list
  elements: str
  sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal import egress
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import EGRESS_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import (
    engine,
    image_builder,
    image_packages,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import (
    isolate_environment,
    use_proxy,
)

OPTIONS = {
    "images": {"type": "dict", "required": True},
    "mirror": {"type": "str"},
    "security_mirror": {"type": "str"},
    "suite": {"type": "str", "default": "trixie"},
    **EGRESS_OPTIONS,
}


def compare(module: AnsibleModule) -> dict[str, Any]:
    """Return the module's result. Raises HostError."""
    params, client = module.params, engine.connect()
    mirrors = image_packages.find_mirrors(params["mirror"], params["security_mirror"])
    by_suite: dict[str, dict[str, bytes]] = {}
    unknown = []
    for name, folder in params["images"].items():
        status = image_packages.status_of(client, name)
        if status is None:
            unknown.append(name)
        else:
            by_suite.setdefault(image_builder.read_suite(folder, params["suite"]), {})[name] = status
    rows = [
        {"image": name, **update._asdict()}
        for suite, status in by_suite.items()
        for name, updates in image_packages.updates(module.run_command, suite, mirrors, status).items()
        for update in updates
    ]
    return {"updates": rows, "unknown": unknown}


def main() -> None:
    isolate_environment(downloads=True)
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    use_proxy(egress.variables(module.params["egress_proxy"]))
    try:
        result = compare(module)
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
