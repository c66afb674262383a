# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: compose_files
short_description: Write the Compose files and environment files of one host
version_added: 1.0.0
description:
  - Writes the files of the vendor's guide with all values filled in, so that C(docker compose -f FILE ps), C(logs) and C(down) work
    without any variable.
  - With O(layout=single_server), the file is C(multiconnect-compose.yml). With O(layout=role), each role of the host has its own file,
    C(multiconnect-db.yml), C(multiconnect-master.yml), C(multiconnect-coreapp.yml) or C(multiconnect-webapp.yml).
    C(db.env) for the nodes and C(mysql.env) for the database container are in the same folder, readable by root only.
  - Every file is replaced atomically. If an option is invalid, no file is written, and the message lists all problems.
  - External volumes and the folders of bind mounts must exist. A missing one is never created, because the nodes would run with an empty volume in place
    of their data. On a host without Docker, external volumes are not checked.
  - Refuses a change of a volume's source that would leave the data of an existing container behind.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.plan
  - waba.cluster.attributes
requirements:
  - PyYAML (Debian package python3-yaml), except in check mode
options:
  state:
    description:
      - V(present) writes the files.
      - V(absent) removes the files that this module wrote for this cluster, and O(path) if it is then empty.
    type: str
    choices: [present, absent]
    default: present
  only:
    description:
      - The services to write as planned. By default, all services.
      - The other services retain their definition in the host's file, if they have one, so that an upgrade can proceed service by service.
    type: list
    elements: str
  definitions:
    description:
      - Definitions of services to write unchanged, as returned in RV(replaced), to roll services back.
      - A definition with nothing but C(image) changes the image of the planned definition.
    type: dict
    default: {}
  environment:
    description:
      - Environment variables of every node, written to C(db.env). A value that Docker Compose and C(docker run --env-file) would read differently is refused.
      - No value appears in output, in a diff or on a command line.
    type: dict
    default: {}
  database_environment:
    description: Environment variables of the database container, written to C(mysql.env). See O(environment).
    type: dict
    default: {}
seealso:
  - module: waba.cluster.compose_project
  - module: waba.cluster.host_info
"""

EXAMPLES = r"""
- name: A whole cluster on one machine
  waba.cluster.compose_files:
    layout: single_server
    masters: [{name: master1}, {name: master2}]
    coreapps: [{name: wacore1}, {name: wacore2}]
    webapps: [{name: waweb}]
    database: {name: db, image: "waba/mariadb:v1.0.0"}
    images: {coreapp: "waba/node:v1.0.0", webapp: "waba/node:v1.0.0"}
    publish_address: 127.0.0.1
    environment: "{{ node_environment }}"
    database_environment: "{{ mysql_environment }}"

- name: Two coreapps on one of many machines, the second with explicit ports
  waba.cluster.compose_files:
    external_hostname: core1.example.com
    coreapps: [{name: wacore}, {name: wacore-b, ports: 6300-6303}]
    images: {coreapp: "waba/node:v1.0.0", webapp: "waba/node:v1.0.0"}
    volumes:
      media: {type: bind, source: /mnt/wamedia}
    environment: "{{ node_environment }}"

- name: Remove the files
  waba.cluster.compose_files:
    state: absent
"""

RETURN = r"""
files:
  description: The files with their actions. With O(state=absent), a file that does not belong to the cluster is V(foreign) and is retained.
  returned: always
  type: list
  elements: dict
  sample: [{path: /opt/waba/db.env, action: unchanged}]
projects:
  description: The Compose projects of the host.
  returned: O(state=present)
  type: list
  elements: dict
  sample: [{name: waba, file: /opt/waba/multiconnect-compose.yml, services: [db, master1]}]
replaced:
  description: The services whose definition changes, with their previous definition. It contains no secret.
  returned: O(state=present)
  type: dict
  sample: {wacore1: {image: waba/node:v1.0.0}}
nodes:
  description: The services of the host with the ports they publish, in order of start.
  returned: O(state=present)
  type: list
  elements: dict
  sample: [{name: master1, role: master, hostname: master1, ports: [6254, 6255, 6256, 6257]}]
"""

import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.waba.cluster.plugins.module_utils._internal import contract, problems
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import PLAN_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils._internal.certificates.io import host_certificates
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import dotenv, host_files, volumes
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.documents import compose_documents, merged
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io import volume_usage
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import plan_nodes
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import engine
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import redaction

OPTIONS = {
    **PLAN_OPTIONS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "only": {"type": "list", "elements": "str"},
    "definitions": {"type": "dict", "default": {}},
    "environment": {"type": "dict", "default": {}, "no_log": True},
    "database_environment": {"type": "dict", "default": {}, "no_log": True},
}


def present(module: AnsibleModule) -> dict[str, Any]:
    """Write the files that differ; return the module's result. Raises InputError, HostError."""
    params = module.params
    found: list[problems.Problem] = []
    environments = {}
    for option in ("environment", "database_environment"):
        environments[option], invalid = dotenv.checked(params[option], option)
        found.extend(invalid)
    try:
        nodes = plan_nodes(params)
        found.extend(volume_usage.problems(params, volumes.mounted_volumes(params["volumes"], nodes)))
    except problems.InputError as error:
        found = [*error.problems, *found]
    if found:
        raise problems.InputError(found)
    current = current_documents(params)
    documents = compose_documents(nodes, params, engine.features(), host_certificates.digests(params))
    documents = merged(documents, current, params["only"], params["definitions"])
    wanted = host_files.host_files(
        nodes, params, environments["environment"], environments["database_environment"], documents
    )
    changes = [file_change(module, name, state) for name, state in wanted.items()]
    folder_changes = not files.folder_is_correct(params["path"])
    left = leftovers(params["path"])
    if not module.check_mode:
        if folder_changes:
            files.create_folder(params["path"])
        for path in left:
            files.remove(path)
        for item in changes:
            if item["action"] != "unchanged":
                files.write(item["path"], *wanted[item["name"]])
    result = outcome(changes, folder_changes or bool(left))
    result["nodes"] = [
        {"name": node["name"], "role": node["role"], "hostname": node["hostname"], "ports": list(node["published"])}
        for node in nodes
    ]
    result["replaced"] = {
        service: before
        for name, document in current.items()
        for service, before in document["services"].items()
        if documents.get(name, {}).get("services", {}).get(service, before) != before
    }
    result["projects"] = [
        {"name": document["name"], "file": os.path.join(params["path"], name), "services": list(document["services"])}
        for name, document in documents.items()
    ]
    return result


def current_documents(params: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return {file name: Compose document} of the cluster's files on the host. Raises HostError."""
    found = {}
    for name in contract.ALL_FILES:
        state = (
            files.read(os.path.join(params["path"], name)) if name.endswith(".yml") and host_files.HAS_YAML else None
        )
        if state and contract.is_managed(state[0], params["cluster_name"]):
            found[name] = host_files.parsed_document(state[0])
    return {name: document for name, document in found.items() if document}


def absent(module: AnsibleModule) -> dict[str, Any]:
    """Remove the cluster's files; return the module's result. Raises HostError."""
    folder, cluster = module.params["path"], module.params["cluster_name"]
    states = {name: files.read(os.path.join(folder, name)) for name in contract.ALL_FILES}
    is_own = {name: contract.is_managed(state[0], cluster) for name, state in states.items() if state}
    changes = [file_change(module, name, None) for name, own in is_own.items() if own]
    # Work folders have no owner; they are removed unless a file of another owner is in the folder.
    left = leftovers(folder, contract.SCRATCH) if all(is_own.values()) else []
    if not module.check_mode:
        for path in [item["path"] for item in changes] + left:
            files.remove(path)
        if changes or left:
            files.remove_empty_folder(folder)
    result = outcome(changes, bool(left))
    foreign = [name for name, own in is_own.items() if not own]
    result["files"] += [{"path": os.path.join(folder, name), "action": "foreign"} for name in foreign]
    return result


def leftovers(folder: str, scratch: Iterable[str] = ()) -> list[str]:
    """Return the paths of the leftovers of killed runs in a folder: temporary files, and the work folders and archives named in scratch."""
    paths = [os.path.join(folder, name) for name in scratch]
    return files.leftovers(os.path.join(folder, name) for name in contract.ALL_FILES) + [
        path for path in paths if os.path.lexists(path)
    ]


def file_change(module: AnsibleModule, name: str, after: tuple[str, int] | None) -> dict[str, Any]:
    """Return the action for one file, with its diff. after: (text, mode), or None to remove the file. Raises HostError."""
    path = os.path.join(module.params["path"], name)
    before = files.read(path)
    if after is None:
        action = "removed"
    elif before is None:
        action = "created"
    else:
        action = "unchanged" if before == (*after, os.geteuid()) else "updated"
    diff = host_files.file_diff(path, before, after, module.diff_key)
    return {"name": name, "path": path, "action": action, "diff": diff}


def outcome(changes: Sequence[Mapping[str, Any]], folder_changes: bool = False) -> dict[str, Any]:
    """Return the part of the result that both states have in common."""
    changed = [item for item in changes if item["action"] != "unchanged"]
    return {
        "changed": bool(changed) or folder_changes,
        "diff": [item["diff"] for item in changed],
        "files": [{"path": item["path"], "action": item["action"]} for item in changes],
    }


def main() -> None:
    isolate_environment()
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    if not host_files.HAS_YAML and module.params["state"] == "present" and not module.check_mode:
        module.fail_json(msg=missing_required_lib("PyYAML"))
    for option in ("environment", "database_environment"):
        module.no_log_values -= redaction.plain_values(module.params[option])
    module.params["external_hostname"] = module.params["external_hostname"] or socket.getfqdn()
    module.diff_key = os.urandom(32)
    try:
        module.exit_json(**(present if module.params["state"] == "present" else absent)(module))
    except problems.InputError as error:
        module.fail_json(
            msg=problems.message(error.problems, module.params["external_hostname"], "Nothing was written"),
            problems=[problem._asdict() for problem in error.problems],
        )
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
