# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: image
short_description: Make an image from Debian packages and a folder of files
version_added: 1.0.0
description:
  - Makes a root file system by C(mmdebstrap), imports it, and builds the folder's C(Containerfile) on top, which gets it as the build argument C(BASE).
    So a build needs a Debian mirror and no image registry.
  - The image carries a hash of everything that it is made from. While that is the same, nothing is built.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
requirements:
  - mmdebstrap
  - Docker SDK for Python (Debian package python3-docker)
options:
  name:
    description: Name and tag of the image.
    type: str
    required: true
  context:
    description: Folder with C(Containerfile), C(packages.txt) (one package a line) and what they need.
    type: path
    required: true
  mirror:
    description: The Debian mirror to take packages from. On a Debian host, the one that the host uses when absent.
    type: str
  suite:
    description: The Debian suite, where the folder names none in C(suite.txt).
    type: str
    default: trixie
"""

EXAMPLES = r"""
- name: Make the node's image
  waba.cluster.image:
    name: waba/node:v1.0.0
    context: /opt/waba/images/node
    mirror: http://mirror.example.org/debian
"""

RETURN = r"""
steps:
  description: What was made (or would be, in check mode).
  returned: always
  type: list
  elements: str
  sample: [waba/node-base:0123456789ab, "waba/node:v1.0.0"]
source_hash:
  description: The hash of everything that the image is made from.
  returned: always
  type: str
  sample: 5f1d7a84db00d2fce00b31a7fc73224f5f1d7a84db00d2fce00b31a7fc73224f
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils.docker import image_source
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import engine as docker_engine
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import image_builder
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import install as engine_host
from ansible_collections.waba.cluster.plugins.module_utils.docker.packages import mirror
from ansible_collections.waba.cluster.plugins.module_utils.errors import DockerUnavailable, HostError


def mirror_of(module):
    """Return the mirror to use. Raises HostError when none is known."""
    own = mirror(engine_host.apt_sources()) if engine_host.os_release().get("ID") == "debian" else None
    if not (module.params["mirror"] or own):
        raise HostError("No Debian mirror is known on this host. Set images_debian_mirror to the address of one.")
    return module.params["mirror"] or own


def make(module):
    """Make what is missing; return the module's result. Raises HostError."""
    name, context = module.params["name"], module.params["context"]
    suite = image_builder.read_suite(context, module.params["suite"])
    packages = image_builder.read_packages(os.path.join(context, "packages.txt"))
    base_hash = image_source.base_hash(packages, suite)
    base = image_source.base_name(name, base_hash)
    wanted = image_source.image_hash(base_hash, image_builder.read_files(context))
    try:
        client = docker_engine.connect()
    except DockerUnavailable:
        if not module.check_mode:
            raise
        return {"changed": True, "steps": [base, name], "source_hash": wanted}
    found = image_builder.label_of(client, name)
    with docker_engine.engine_errors(f"look for the image {base}"):
        base_missing = not client.images.list(name=base)
    steps = [] if found == wanted else [base, name] if base_missing else [name]
    if not module.check_mode:
        if base in steps:
            image_builder.make_base(client, module.run_command, base, packages, suite, mirror_of(module))
        if name in steps:
            image_builder.build(client, name, context, base, wanted)
    return {
        "changed": bool(steps),
        "steps": steps,
        "source_hash": wanted,
        "diff": {"before": f"{name} {found}\n" if found else "", "after": f"{name} {wanted}\n"},
    }


def main():
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "context": {"type": "path", "required": True},
            "mirror": {"type": "str"},
            "suite": {"type": "str", "default": "trixie"},
        },
        supports_check_mode=True,
    )
    if ":" not in module.params["name"].rpartition("/")[2]:
        module.fail_json(msg=f"name is {module.params['name']!r}: it has no tag. Write it as in 'waba/node:v1.0.0'.")
    try:
        result = make(module)
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
