# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: compose_project
short_description: Bring a Compose project of the cluster up, stop it, or remove it
version_added: 1.0.0
description:
  - Compares the services of a Compose file with their containers and changes only the services that differ.
    A second run, and a run after an interrupted one, converge from any state.
  - A running container uses the media folder that existed when it started. If a share was mounted over that folder since, or replaced, the container
    is recreated. If the two folders cannot be compared, it is not.
  - Docker Compose v2 makes the changes. It neither builds nor pulls images; a missing image is refused before any change.
  - Then waits until the services are running, and healthy if their image has a health check.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
requirements:
  - Docker Compose v2 (C(docker compose))
  - Docker SDK for Python (Debian package python3-docker)
attributes:
  check_mode:
    details: Predicts the changes from the file on the host. On a host without the file or without Docker, every service of O(services) is predicted as created.
options:
  state:
    description:
      - V(present) runs the services as the file defines them.
      - V(stopped) stops their containers and does not remove them.
      - V(absent) removes all containers and networks with the label of the cluster O(cluster_name) from this host. It needs no file.
    type: str
    choices: [present, stopped, absent]
    default: present
  file:
    description: Path of the Compose file. Required unless O(state=absent), which ignores it.
    type: path
  services:
    description:
      - The services to manage. By default, all services of the file.
      - Other services are not changed, except that a service of the same role that is no longer in the file is removed.
    type: list
    elements: str
  cluster_name:
    description: With O(state=absent), the cluster to remove.
    type: str
    default: waba
  remove_volumes:
    description: With O(state=absent), also remove the volumes with the cluster's label. Their data is lost.
    type: bool
    default: false
  keep_volumes:
    description: Volumes to retain even if they have the cluster's label, since they are now declared external.
    type: list
    elements: str
    default: []
  keep_folders:
    description:
      - Folders of the host that containers mount. They are never removed; RV(retained) lists the existing ones, with the containers outside the cluster
        that mount them.
      - A folder on a share whose server does not answer counts as existing.
    type: list
    elements: str
    default: []
  images:
    description: Names of the cluster's images, in addition to the images of its existing containers.
    type: list
    elements: str
    default: []
  remove_images:
    description: With O(state=absent), also remove the cluster's images, except those that a container outside the cluster uses.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait until the services are ready; V(0) disables the wait.
    type: int
    default: 180
  stop_timeout:
    description: With O(state=stopped), seconds before a container is killed. By default, the value in the file.
    type: int
  drain_timeout:
    description:
      - Seconds for each node to drain before its container is stopped or replaced; V(0) disables draining.
      - A node also hands over when it is stopped, so a node that does not drain in time causes a warning, not an error.
    type: int
    default: 0
seealso:
  - module: waba.cluster.compose_files
  - module: waba.cluster.cluster_objects_info
"""

EXAMPLES = r"""
- name: Start the masters and wait until they are healthy
  waba.cluster.compose_project:
    file: /opt/waba/multiconnect-compose.yml
    services: [master1, master2]

- name: Stop the webapps of this host
  waba.cluster.compose_project:
    file: /opt/waba/multiconnect-webapp.yml
    state: stopped

- name: Remove the cluster and its data from this host
  waba.cluster.compose_project:
    state: absent
    remove_volumes: true
"""

RETURN = r"""
actions:
  description: The actions taken (in check mode, predicted), each with its reason.
  returned: O(state=present) or O(state=stopped)
  type: list
  elements: dict
  sample: [{service: wacore1, action: start, reason: it is exited}]
containers:
  description: The containers of the services after the actions.
  returned: O(state=present) or O(state=stopped), on a host with Docker
  type: list
  elements: dict
  sample: [{name: waba-wacore1-1, service: wacore1, role: coreapp, id: 3f1c, state: running, health: healthy, ports: [6250, 6251, 6252, 6253]}]
removed:
  description: The removed objects (in check mode, the objects to remove).
  returned: O(state=absent)
  type: list
  elements: dict
  sample: [{kind: container, name: waba-wacore1-1}]
retained:
  description: The retained objects with the cluster's label, and the external objects that it used, each with the reason.
  returned: O(state=absent)
  type: list
  elements: dict
  sample: [{kind: volume, name: waba_mysqlData, reason: it is declared external}]
"""

import contextlib
import os
from collections.abc import Callable
from typing import Any, TypeVar

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.convergence import action_diff
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io.command import Compose
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io.project import (
    Project,
    predicted_actions,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers, engine, objects
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.removal import (
    external_objects,
    plan_removal,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import DockerUnavailable, HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import host_lock
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import redaction

Result = TypeVar("Result")

OPTIONS = {
    "state": {"type": "str", "choices": ["present", "stopped", "absent"], "default": "present"},
    "file": {"type": "path"},
    "services": {"type": "list", "elements": "str"},
    "cluster_name": {"type": "str", "default": "waba"},
    "remove_volumes": {"type": "bool", "default": False},
    "keep_volumes": {"type": "list", "elements": "str", "default": []},
    "keep_folders": {"type": "list", "elements": "str", "default": []},
    "images": {"type": "list", "elements": "str", "default": []},
    "remove_images": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 180},
    "stop_timeout": {"type": "int"},
    "drain_timeout": {"type": "int", "default": 0},
}


def converge(module: AnsibleModule) -> dict[str, Any]:
    """Run or stop the services; return the module's result. Raises HostError."""
    params = module.params
    if not os.path.exists(params["file"]):
        if module.check_mode:
            return predicted_result(module, "the file does not exist yet")
        raise HostError(f"{params['file']} does not exist. Write it with waba.cluster.compose_files first.")
    # The lock covers observation and actions, so that the plan still holds when it is applied.
    with contextlib.nullcontext() if module.check_mode else host_lock.exclusive():
        try:
            project = Project(engine.connect(), Compose(module.run_command, params["file"]), params["services"])
        except DockerUnavailable:
            if module.check_mode:
                return predicted_result(module, "Docker is not installed yet")
            raise
        result = apply_actions(module, project)
    if not module.check_mode and params["state"] == "present" and params["wait_timeout"]:
        attempt(module, project, result, lambda: project.wait(params["wait_timeout"]))
    return {**result, "containers": project.summary()}


def apply_actions(module: AnsibleModule, project: Project) -> dict[str, Any]:
    """Plan the actions and, except in check mode, apply them; return the module's result without the containers. Raises HostError."""
    params = module.params
    actions = project.actions(params["state"])
    missing = project.missing_images(actions)
    if missing and not module.check_mode:
        raise HostError(
            f"This host lacks the image {', '.join(missing)}, so nothing was changed. "
            "Build or load it with the role waba.cluster.images, or fix the image's name."
        )
    result = {"changed": bool(actions), "actions": [action._asdict() for action in actions]}
    if actions:
        result["diff"] = action_diff(actions, project.existing, project.images, project.strays)
    if not module.check_mode:
        warnings = attempt(
            module, project, result, lambda: project.apply(actions, params["stop_timeout"], params["drain_timeout"])
        )
        for warning in warnings:
            module.warn(warning)
    return result


def attempt(module: AnsibleModule, project: Project, result: dict[str, Any], step: Callable[[], Result]) -> Result:
    """Return the result of a step. If the step fails, the module fails with the result so far and a message without secrets."""
    try:
        return step()
    except HostError as error:
        module.fail_json(msg=redaction.redacted(str(error), project.secrets()), **result)
        raise  # fail_json does not return


def predicted_result(module: AnsibleModule, reason: str) -> dict[str, Any]:
    """Return the result of check mode on a host without the file or without Docker."""
    params = module.params
    if params["state"] == "stopped":
        return {"changed": False, "actions": []}
    actions = predicted_actions(params["file"], params["services"], reason)
    return {"changed": True, "actions": [action._asdict() for action in actions], "diff": action_diff(actions, {}, {})}


def absent(module: AnsibleModule) -> dict[str, Any]:
    """Remove the objects with the cluster's label; return the module's result. Raises HostError."""
    params = module.params
    folders = [folder for folder in params["keep_folders"] if objects.folder_exists(folder)]
    try:
        client = engine.connect()
    except DockerUnavailable:
        if engine.is_installed():  # an installed engine that does not answer may still have objects of the cluster
            raise
        return {
            "changed": False,
            "removed": [],
            "retained": external_objects([], {folder: [] for folder in folders}, []),
        }
    with contextlib.nullcontext() if module.check_mode else host_lock.exclusive():
        found = objects.cluster_objects(client, params["cluster_name"])
        found["images"] = objects.cluster_images(client, params["images"], found["containers"])
        remove, keep = plan_removal(found, params["remove_volumes"], params["keep_volumes"], params["remove_images"])
        external = [name for name in params["keep_volumes"] if not containers.volume_fault(client, name)]
        keep += external_objects(external, objects.folder_users(client, folders, found["containers"]), keep)
        for item in [] if module.check_mode else remove:
            objects.remove_object(client, item, found)
    lines = [f"{item['kind']} {item['name']}" for item in remove]
    diff = {"before": "".join(f"{line}\n" for line in lines), "after": ""}
    return {"changed": bool(remove), "removed": remove, "retained": keep, "diff": diff}


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec=OPTIONS,
        required_if=[("state", "present", ["file"]), ("state", "stopped", ["file"])],
        supports_check_mode=True,
    )
    try:
        module.exit_json(**(absent if module.params["state"] == "absent" else converge)(module))
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
