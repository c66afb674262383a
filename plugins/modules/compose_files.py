# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
module: compose_files
short_description: Write the Compose files and environment files of one host
version_added: 1.0.0
description:
  - Writes what an operator who follows the vendor's guide by hand would have on this host, with everything filled in,
    so that C(docker compose -f FILE ps), C(logs) and C(down) work by hand without any variable.
  - With O(layout=single_server) that is C(multiconnect-compose.yml); with O(layout=role) one of C(multiconnect-db.yml),
    C(multiconnect-master.yml), C(multiconnect-coreapp.yml) and C(multiconnect-webapp.yml) for each role that the host has.
    Beside them C(db.env) for the nodes and C(mysql.env) for the database container, readable by root only.
  - Every file is written whole or not at all. Nothing is written when any input is wrong; all that is wrong is told at once.
  - External volumes and the folders of bind mounts must be there; a missing one is never made up, since an empty volume would hide that the data
    is elsewhere. Where there is no Docker yet, external volumes are not looked for.
  - Refuses a change of source that would make an existing container lose sight of its data.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.plan
  - waba.cluster.attributes
requirements:
  - PyYAML (Debian package python3-yaml); check mode does without
options:
  state:
    description:
      - V(present) writes the files.
      - V(absent) removes those that this module wrote for this cluster, and O(path) if it is empty then.
    type: str
    choices: [present, absent]
    default: present
  only:
    description:
      - The services that get what is planned here. All when absent.
      - The others keep what the host's file says of them, where it does; so that a file can go to another version service by service.
    type: list
    elements: str
  definitions:
    description:
      - Definitions of services, as RV(replaced) gave them, that are written as they are. It puts services back.
      - One that only names its C(image) is as planned otherwise.
    type: dict
    default: {}
  environment:
    description:
      - Environment variables of every node, written to C(db.env). A value that Docker Compose and C(docker run --env-file) would read differently is refused.
      - Values never appear in output, in a diff or on a command line.
    type: dict
    default: {}
  database_environment:
    description: Environment variables of the database container, written to C(mysql.env), as O(environment).
    type: dict
    default: {}
seealso:
  - module: waba.cluster.compose_project
  - module: waba.cluster.preflight
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

- name: Two coreapps on one of many machines, the second with ports of its own choice
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
  description: Every file that was looked at, and what became of it. With O(state=absent), one that is not the cluster's is V(foreign), and stays.
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
  description: Services that the host's files had and that are written anew otherwise, with their definition before. No secret is in it.
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

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.waba.cluster.plugins.module_utils import contract, problems
from ansible_collections.waba.cluster.plugins.module_utils.argspec import PLAN_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils.compose import dotenv, host_files, volumes
from ansible_collections.waba.cluster.plugins.module_utils.compose.documents import compose_documents, merged
from ansible_collections.waba.cluster.plugins.module_utils.compose.io import volume_usage as volume_use
from ansible_collections.waba.cluster.plugins.module_utils.compose.nodes import plan_nodes
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files
from ansible_collections.waba.cluster.plugins.module_utils.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils.secrets import redaction as secrecy

OPTIONS = {
    **PLAN_OPTIONS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "only": {"type": "list", "elements": "str"},
    "definitions": {"type": "dict", "default": {}},
    "environment": {"type": "dict", "default": {}, "no_log": True},
    "database_environment": {"type": "dict", "default": {}, "no_log": True},
}


def present(module: AnsibleModule) -> dict[str, Any]:
    """Write what differs; return the module's result. Raises InputError, HostError."""
    params, wrong = module.params, []
    environments = {}
    for option in ("environment", "database_environment"):
        environments[option], faults = dotenv.checked(params[option], option)
        wrong.extend(faults)
    try:
        nodes = plan_nodes(params)
        wrong.extend(volume_use.problems(params, volumes.given(params["volumes"], nodes)))
    except problems.InputError as error:
        wrong = [*error.problems, *wrong]
    if wrong:
        raise problems.InputError(wrong)
    documents, current = compose_documents(nodes, params), current_documents(params)
    documents = merged(documents, current, params["only"], params["definitions"])
    wanted = host_files.host_files(
        nodes, params, environments["environment"], environments["database_environment"], documents
    )
    changes = [change(module, name, state) for name, state in wanted.items()]
    folder_changes = not files.folder_is_correct(params["path"])
    left = left_by_killed_runs(params["path"])
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


def current_documents(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return {file name: Compose document} of the files that the host has for this cluster. Raises HostError."""
    found = {}
    for name in contract.ALL_FILES:
        state = (
            files.read(os.path.join(params["path"], name)) if name.endswith(".yml") and host_files.HAS_YAML else None
        )
        if state and contract.is_managed(state[0], params["cluster_name"]):
            found[name] = host_files.document_of(state[0])
    return {name: document for name, document in found.items() if document}


def absent(module: AnsibleModule) -> dict[str, Any]:
    """Remove the files that are ours; return the module's result. Raises HostError."""
    folder, cluster = module.params["path"], module.params["cluster_name"]
    states = {name: files.read(os.path.join(folder, name)) for name in contract.ALL_FILES}
    found = {name: contract.is_managed(state[0], cluster) for name, state in states.items() if state}
    changes = [change(module, name, None) for name, ours in found.items() if ours]
    # What nobody's file stands beside is ours too, or would never go.
    left = left_by_killed_runs(folder, contract.SCRATCH) if all(found.values()) else []
    if not module.check_mode:
        for path in [item["path"] for item in changes] + left:
            files.remove(path)
        if changes or left:
            files.remove_empty_folder(folder)
    result = outcome(changes, bool(left))
    foreign = [name for name, ours in found.items() if not ours]
    result["files"] += [{"path": os.path.join(folder, name), "action": "foreign"} for name in foreign]
    return result


def left_by_killed_runs(folder: str, scratch: Iterable[str] = ()) -> list[str]:
    """Return the paths of what runs that were killed left in our folder. scratch: names of what is not beside a file that we write."""
    paths = [os.path.join(folder, name) for name in scratch]
    return files.leftovers(os.path.join(folder, name) for name in contract.ALL_FILES) + [
        path for path in paths if os.path.lexists(path)
    ]


def change(module: AnsibleModule, name: str, after: tuple[str, int] | None) -> dict[str, Any]:
    """Return what becomes of one file, with its diff. after: (text, mode), or None to remove it."""
    path = os.path.join(module.params["path"], name)
    before = files.read(path)
    if after is None:
        action = "removed"
    elif before is None:
        action = "created"
    else:
        action = "unchanged" if before == (*after, os.geteuid()) else "updated"
    diff = host_files.file_diff(path, before and before[:2], after, module.diff_key)
    return {"name": name, "path": path, "action": action, "diff": diff}


def outcome(changes: Sequence[Mapping[str, Any]], folder_changes: bool = False) -> dict[str, Any]:
    """Return the part of the result that both states share."""
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
    # Ansible hides every value of a no_log dictionary, "db" and "1" too, wherever they occur in a result; only secrets may be treated so.
    for option in ("environment", "database_environment"):
        environment = module.params[option]
        secret = secrecy.secret_values(environment)
        module.no_log_values -= {str(value) for value in environment.values()} - secret
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
