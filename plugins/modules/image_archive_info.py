# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: image_archive_info
short_description: List the images of an archive
version_added: 1.0.0
description:
  - Reads the index of an archive that M(waba.cluster.image) saved with O(waba.cluster.image#module:state=archived), and checks that the file of each image is
    complete. Needs no Docker engine.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
options:
  archive:
    description: Folder of the archive.
    type: path
    required: true
  name:
    description: Names and tags of images that the archive must contain.
    type: list
    elements: str
    required: true
    aliases: [names]
seealso:
  - module: waba.cluster.image
"""

EXAMPLES = r"""
- name: Read the archive of images
  waba.cluster.image_archive_info:
    archive: /srv/waba-images
    names: ["waba/node:v1.0.0"]
"""

RETURN = r"""
images:
  description: The images, by name.
  returned: success
  type: dict
  sample:
    "waba/node:v1.0.0": {id: "sha256:0123", source_hash: "4567", file: waba_node_v1.0.0-0123.tar, sha256: "89ab", size: 157000000}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import image_store
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment

OPTIONS = {
    "archive": {"type": "path", "required": True},
    "name": {"type": "list", "elements": "str", "required": True, "aliases": ["names"]},
}


def main() -> None:
    isolate_environment()
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    try:
        images = image_store.read_archive(module.params["archive"], module.params["name"])
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, images=images)


if __name__ == "__main__":
    main()
