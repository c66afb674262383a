# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_images
short_description: Have images on a host, from archives or from a registry
version_added: 1.0.0
description:
  - Says which of the images a host lacks and, as far as it is told from where, brings them.
  - An image that the host has is left alone; it is the same when its id is, or the hash of what it was made from.
  - Pulls nothing unless O(pull) says so.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
requirements:
  - Docker SDK for Python (Debian package python3-docker)
options:
  images:
    description: Names and tags of the images.
    type: list
    elements: str
    required: true
  known:
    description:
      - What is known of the images, by name, as M(waba.cluster.image_archive) tells it - C(id), C(source_hash), C(file), C(sha256).
      - Any image of a name of which neither id nor hash is known will do.
    type: dict
    default: {}
  archives:
    description: Folder on the host with the files of O(known).
    type: path
  pull:
    description: Pull what is missing from the registry that its name says.
    type: bool
    default: false
  username:
    description: Account at the registry. It goes to the engine with the request, and is kept nowhere.
    type: str
  password:
    description: Password or token of O(username).
    type: str
  required:
    description: Fail when an image is missing in the end.
    type: bool
    default: true
seealso:
  - module: waba.cluster.image
  - module: waba.cluster.image_archive
"""

EXAMPLES = r"""
- name: Pull what is missing
  waba.cluster.host_images:
    images: ["registry.example.com/waba/node:v1.0.0"]
    pull: true
    username: deploy
    password: "{{ registry_password }}"
"""

RETURN = r"""
missing:
  description: What the host lacks in the end; in check mode, what it lacks now.
  returned: always
  type: list
  elements: str
  sample: ["waba/node:v1.0.0"]
brought:
  description: What was loaded or pulled.
  returned: always
  type: list
  elements: str
  sample: []
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils.docker.image_archive import missing
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import engine as docker_engine
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import image_store
from ansible_collections.waba.cluster.plugins.module_utils.errors import DockerUnavailable, HostError

OPTIONS = {
    "images": {"type": "list", "elements": "str", "required": True},
    "known": {"type": "dict", "default": {}},
    "archives": {"type": "path"},
    "pull": {"type": "bool", "default": False},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "required": {"type": "bool", "default": True},
}


def bring(client, params, lacks):
    """Load or pull what a host lacks, as far as it is told from where. Raises HostError."""
    for name in lacks:
        known = params["known"].get(name, {})
        if params["archives"] and known.get("file"):
            image_store.load(client, os.path.join(params["archives"], known["file"]), known["sha256"])
        elif params["pull"]:
            image_store.pull(client, name, params["username"], params["password"])


def main():
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True, required_by={"username": ["password"]})
    params = module.params
    names = params["images"]
    wanted = [{"name": name, **params["known"].get(name, {})} for name in names]
    try:
        client = docker_engine.connect()
        lacks = still = missing(wanted, image_store.facts(client, names))
        if lacks and not module.check_mode:
            bring(client, params, lacks)
            still = missing(wanted, image_store.facts(client, names))
    except DockerUnavailable as error:
        if not module.check_mode:
            module.fail_json(msg=str(error))
        lacks = still = names
    except HostError as error:
        module.fail_json(msg=str(error))
    if still and params["required"] and not module.check_mode:
        listed = ", ".join(still)
        module.fail_json(
            msg=f"This host lacks {listed}, or has another image under the name. Load it here, or set images_source to where it can be had.",
            missing=still,
        )
    had = [name for name in names if name not in lacks]
    module.exit_json(
        changed=bool(lacks) and (module.check_mode or lacks != still),
        missing=still,
        brought=[name for name in lacks if name not in still],
        diff={"before": "".join(f"{name}\n" for name in had), "after": "".join(f"{name}\n" for name in names)},
    )


if __name__ == "__main__":
    main()
