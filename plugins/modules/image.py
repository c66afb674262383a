# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: image
short_description: Build images, save them to an archive, and provide them on a host
version_added: 1.0.0
description:
  - Manages the images of a host's Docker engine. It works without an image registry.
  - An image is identified by its id or by its source hash, the hash of everything that it is built from, which the image carries as a label.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
  - waba.cluster.egress
requirements:
  - Docker SDK for Python (Debian package python3-docker)
  - mmdebstrap, for O(state=built)
options:
  name:
    description: Names and tags of the images. Exactly one for O(state=built).
    type: list
    elements: str
    required: true
    aliases: [names]
  state:
    description:
      - V(present) loads or pulls the images that the host lacks. Images that it has are not touched.
      - V(built) builds a root file system with C(mmdebstrap), imports it, and builds the C(Containerfile) of O(context) on top of it, which gets the root
        file system's image as the build argument C(BASE). An image with an equal source hash is not built again. Only C(mmdebstrap) uses the network.
      - V(archived) saves the images of this host's engine to O(archive), each to a file, with an index (C(images.json)) and checksums (C(SHA256SUMS)). An
        image that the archive has, by its id, is not saved again. All users may read the files; a new folder belongs to the owner of its parent.
    type: str
    choices: [present, built, archived]
    default: present
  context:
    description: With O(state=built), a folder with C(Containerfile), C(packages.txt) (one package a line) and the files that they need.
    type: path
  mirror:
    description: With O(state=built), the Debian mirror for the packages. The mirror of the host by default, if that is a Debian host.
    type: str
  security_mirror:
    description:
      - With O(state=built), the mirror of Debian's security archive. By default that of the host, or the address O(mirror) followed by C(-security).
      - V(none) builds without security updates.
    type: str
  suite:
    description:
      - With O(state=built), the Debian suite of the packages, unless C(suite.txt) in O(context) names one. Its C(-updates) and C(-security) suites are
        used as well.
    type: str
    default: trixie
  revision:
    description: With O(state=built), any text. It is part of the source hash, so another text builds the image again with the newest packages.
    type: str
    default: ""
  sbom:
    description:
      - With O(state=archived), the program C(debsbom). It writes a bill of materials in the CycloneDX format beside the file of each image that has Debian
        packages.
    type: str
  archive:
    description: The folder to save images to with O(state=archived), and to load missing images from with O(state=present).
    type: path
  expected:
    description:
      - With O(state=present), the expected content of each image, by name, as M(waba.cluster.image_archive_info) returns it - C(id), C(source_hash), C(file),
        C(sha256).
      - Without C(id) and C(source_hash), any image of the name is accepted.
    type: dict
    default: {}
  pull:
    description: With O(state=present), pull missing images from the registry in their names. Nothing is pulled otherwise.
    type: bool
    default: false
  username:
    description: Account at the registry. It goes to the engine with the request and is not stored.
    type: str
  password:
    description: Password or token of O(username).
    type: str
  required:
    description: With O(state=present), fail if an image is still missing in the end.
    type: bool
    default: true
seealso:
  - module: waba.cluster.image_archive_info
  - module: waba.cluster.image_updates_info
"""

EXAMPLES = r"""
- name: Build the node's image
  waba.cluster.image:
    name: waba/node:v1.0.0
    state: built
    context: /opt/waba/images/node
    mirror: http://mirror.example.org/debian

- name: Save it for an air-gapped site
  waba.cluster.image:
    name: waba/node:v1.0.0
    state: archived
    archive: /srv/waba-images

- name: Pull a missing image
  waba.cluster.image:
    name: registry.example.com/waba/node:v1.0.0
    pull: true
    username: deploy
    password: "{{ registry_password }}"
"""

RETURN = r"""
built:
  description: The images that were built (or would be, in check mode), root file systems included.
  returned: with O(state=built)
  type: list
  elements: str
  sample: [waba/node-base:0123456789ab, "waba/node:v1.0.0"]
source_hash:
  description: The hash of everything that the image is built from.
  returned: with O(state=built)
  type: str
  sample: 5f1d7a84db00d2fce00b31a7fc73224f5f1d7a84db00d2fce00b31a7fc73224f
images:
  description: The entries of the archive, by name.
  returned: with O(state=archived)
  type: dict
  sample:
    "waba/node:v1.0.0": {id: "sha256:0123", source_hash: "4567", file: waba_node_v1.0.0-0123.tar, sha256: "89ab", size: 157000000}
archived:
  description: The images that were saved (or would be, in check mode).
  returned: with O(state=archived)
  type: list
  elements: str
  sample: []
described:
  description: The images whose bill of materials was written (or would be, in check mode).
  returned: with O(state=archived)
  type: list
  elements: str
  sample: []
missing:
  description: The images that the host lacks in the end; in check mode, those that it lacks now.
  returned: with O(state=present)
  type: list
  elements: str
  sample: ["waba/node:v1.0.0"]
provided:
  description: The images that were loaded or pulled.
  returned: with O(state=present)
  type: list
  elements: str
  sample: []
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal import egress
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import EGRESS_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import image_source
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.image_archive import missing_images
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.image_packages import sbom_file
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import (
    engine,
    image_builder,
    image_packages,
    image_store,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import DockerUnavailable, HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import (
    isolate_environment,
    use_proxy,
)

OPTIONS = {
    "name": {"type": "list", "elements": "str", "required": True, "aliases": ["names"]},
    "state": {"type": "str", "choices": ["present", "built", "archived"], "default": "present"},
    "context": {"type": "path"},
    "mirror": {"type": "str"},
    "security_mirror": {"type": "str"},
    "suite": {"type": "str", "default": "trixie"},
    "revision": {"type": "str", "default": ""},
    "sbom": {"type": "str"},
    "archive": {"type": "path"},
    "expected": {"type": "dict", "default": {}},
    "pull": {"type": "bool", "default": False},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "required": {"type": "bool", "default": True},
    **EGRESS_OPTIONS,
}

Result = dict[str, Any]


def build(module: AnsibleModule) -> Result:
    """Build what is missing; return the module's result. Raises HostError."""
    name, context = _single_name(module.params["name"]), module.params["context"]
    suite = image_builder.read_suite(context, module.params["suite"])
    packages = image_builder.read_packages(os.path.join(context, "packages.txt"))
    base_hash = image_source.base_hash(packages, suite, module.params["revision"])
    base = image_source.base_name(name, base_hash)
    source_hash = image_source.image_hash(base_hash, image_builder.read_files(context))
    try:
        client = engine.connect()
    except DockerUnavailable:
        if not module.check_mode:
            raise
        return {"changed": True, "built": [base, name], "source_hash": source_hash}
    former = image_builder.source_hash_of(client, name)
    steps = [] if former == source_hash else [name] if image_builder.has_image(client, base) else [base, name]
    if not module.check_mode:
        if base in steps:
            mirrors = image_packages.find_mirrors(module.params["mirror"], module.params["security_mirror"])
            image_builder.build_base(client, module.run_command, base, packages, suite, mirrors)
        if name in steps:
            image_builder.build(client, name, context, base, source_hash)
    return {
        "changed": bool(steps),
        "built": steps,
        "source_hash": source_hash,
        "diff": {"before": f"{name} {former}\n" if former else "", "after": f"{name} {source_hash}\n"},
    }


def _single_name(names: list[str]) -> str:
    if len(names) != 1 or ":" not in names[0].rpartition("/")[2]:
        raise HostError(
            f"name is {', '.join(names)}: state=built takes one name with a tag, such as 'waba/node:v1.0.0'."
        )
    return names[0]


def archive(module: AnsibleModule) -> Result:
    """Save what the archive lacks; return the module's result. Raises HostError."""
    folder, names = module.params["archive"], module.params["name"]
    client = engine.connect()
    present = image_store.facts(client, names)
    absent = [name for name in names if name not in present]
    if absent:
        raise HostError(f"This host has no image {', '.join(absent)}. Build or pull it first.")
    stale = image_store.stale_images(folder, present)
    program = image_packages.find_sbom_program(module.params["sbom"]) if module.params["sbom"] else None
    if module.check_mode:
        complete = [name for name in names if name not in stale]
        images = image_store.read_archive(folder, complete) if complete else {}
    else:
        if stale:
            image_store.save_to_archive(client, folder, present, stale)
        images = image_store.read_archive(folder, names)
    described = _describe(module, client, program, images) if program else []
    return {"changed": bool(stale or described), "images": images, "archived": stale, "described": described}


def _describe(module: AnsibleModule, client: Any, program: str, images: dict[str, Any]) -> list[str]:
    """Write the missing bills of materials of an archive; return the names of their images. images: the entries of the archive. Raises HostError."""
    described = []
    for name, entry in images.items():
        target = os.path.join(module.params["archive"], sbom_file(entry["file"]))
        status = None if os.path.exists(target) else image_packages.status_of(client, name)
        if status is None:
            continue
        if not module.check_mode:
            image_packages.write_sbom(module.run_command, program, name, entry["source_hash"], status, target)
        described.append(name)
    return described


def provide(module: AnsibleModule) -> Result:
    """Load or pull what the host lacks; return the module's result. Raises HostError."""
    params, names = module.params, module.params["name"]
    wanted = [{"name": name, **params["expected"].get(name, {})} for name in names]
    try:
        client = engine.connect()
        before = after = missing_images(wanted, image_store.facts(client, names))
        if before and not module.check_mode:
            for name in before:
                _provide_one(client, name, params)
            after = missing_images(wanted, image_store.facts(client, names))
    except DockerUnavailable:
        if not module.check_mode:
            raise
        before = after = names
    if after and params["required"] and not module.check_mode:
        raise HostError(
            f"This host lacks {', '.join(after)}, or has another image of that name. Load the image here, or set images_source to its source."
        )
    present = [name for name in names if name not in before]
    return {
        "changed": bool(before) and (module.check_mode or before != after),
        "missing": after,
        "provided": [name for name in before if name not in after],
        "diff": {"before": "".join(f"{name}\n" for name in present), "after": "".join(f"{name}\n" for name in names)},
    }


def _provide_one(client: Any, name: str, params: dict[str, Any]) -> None:
    expected = params["expected"].get(name, {})
    if params["archive"] and expected.get("file"):
        image_store.load(client, os.path.join(params["archive"], expected["file"]), expected["sha256"])
    elif params["pull"]:
        image_store.pull(client, name, params["username"], params["password"])


STATES = {"present": provide, "built": build, "archived": archive}


def main() -> None:
    isolate_environment(downloads=True)
    module = AnsibleModule(
        argument_spec=OPTIONS,
        required_if=[("state", "built", ["context"]), ("state", "archived", ["archive"])],
        required_by={"username": ["password"]},
        supports_check_mode=True,
    )
    use_proxy(egress.variables(module.params["egress_proxy"]))
    try:
        result = STATES[module.params["state"]](module)
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
