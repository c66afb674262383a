# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: image_archive
short_description: Save images as files, for hosts that cannot have them otherwise
version_added: 1.0.0
description:
  - Saves images of this machine's engine into a folder, each as a file of its own, with an index (C(images.json)) and checksums (C(SHA256SUMS)).
  - An image that the folder has already, by its id, is not saved again. A file is whole or is not there.
  - Everybody may read the files; a folder that is made belongs to whom the folder around it belongs to. So root may save for a user, who then copies.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
requirements:
  - Docker SDK for Python (Debian package python3-docker), for O(state=saved)
options:
  path:
    description: The folder.
    type: path
    required: true
  images:
    description: Names and tags of the images.
    type: list
    elements: str
    required: true
  state:
    description: V(saved) saves what is missing; V(read) only tells what there is, and fails when one of O(images) is not.
    type: str
    choices: [saved, read]
    default: saved
seealso:
  - module: waba.cluster.host_images
"""

EXAMPLES = r"""
- name: Save the node's image
  waba.cluster.image_archive:
    path: /srv/waba-images
    images: ["waba/node:v1.0.0"]
"""

RETURN = r"""
images:
  description: The images that were asked for, by name.
  returned: always
  type: dict
  sample:
    "waba/node:v1.0.0": {id: "sha256:0123", source_hash: "4567", file: waba_node_v1.0.0-0123.tar, sha256: "89ab", size: 157000000}
saved:
  description: What was saved (or would be, in check mode).
  returned: always
  type: list
  elements: str
  sample: []
"""

import json
import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils.docker import image_archive as image_supply
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import engine as docker_engine
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import image_store
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files


def read(folder, names):
    """Return the entries of the images that are asked for. Raises HostError when one is not whole."""
    index = image_store.read_index(folder)
    for name in names:
        if not is_whole(folder, index.get(name)):
            raise HostError(
                f"The archive {folder} has no {name}, or not all of it. Save it with the playbook waba.cluster.images."
            )
    return {name: index[name] for name in names}


def is_whole(folder, entry):
    """Return whether the file of an entry (dict or None) is there, at its full length."""
    try:
        return entry is not None and os.stat(os.path.join(folder, entry["file"])).st_size == entry["size"]
    except OSError:
        return False


def save(module):
    """Save what is missing; return (entries of the images asked for, names that were missing). Raises HostError."""
    folder, names = module.params["path"], module.params["images"]
    client = docker_engine.connect()
    facts = image_store.facts(client, names)
    absent = [name for name in names if name not in facts]
    if absent:
        raise HostError(f"This machine has no image {', '.join(absent)}. Build or pull it first.")
    index = image_store.read_index(folder) if os.path.exists(os.path.join(folder, image_supply.INDEX)) else {}
    stale = [
        name
        for name in names
        if index.get(name, {}).get("id") != facts[name]["id"] or not is_whole(folder, index.get(name))
    ]
    if stale and not module.check_mode:
        image_store.have_folder(folder)
        for name in stale:
            former = index.get(name, {}).get("file")
            index[name] = image_store.save(client, folder, name, facts[name])
            if former and former not in {entry["file"] for entry in index.values()}:
                files.remove(os.path.join(folder, former))
            text = json.dumps(index, indent=2, sort_keys=True) + "\n"
            files.write(os.path.join(folder, image_supply.INDEX), text, image_store.READABLE)
            files.write(os.path.join(folder, image_supply.SUMS), image_supply.sums(index), image_store.READABLE)
    return {name: index[name] for name in names if name in index}, stale


def main():
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "images": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["saved", "read"], "default": "saved"},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        images, stale = save(module) if params["state"] == "saved" else (read(params["path"], params["images"]), [])
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(stale), images=images, saved=stale)


if __name__ == "__main__":
    main()
