# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DOCUMENTATION = r"""
module: compose_project
short_description: Bring a Compose project of the cluster up, stop it, or remove it
version_added: 1.0.0
description:
  - Compares what the Compose file asks for with what each container has, and touches only the services that differ.
    A second run, or a run after an interrupted one, converges from whatever it finds.
  - A running container keeps the folder for media that it started with. One that has another than is there now, since a share was mounted over it or
    exchanged, is replaced. Where that cannot be known, it stays.
  - Docker Compose v2 makes the changes. It never builds and never pulls; an image that is missing is refused before anything is touched.
  - Then waits until the services are running, and healthy where their image has a health check.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
requirements:
  - Docker Compose v2 (C(docker compose))
  - Docker SDK for Python (Debian package python3-docker)
attributes:
  check_mode:
    details: Predicts from the file that is on the host. Where file or Docker are not there yet, every service of O(services) would be created.
options:
  state:
    description:
      - V(present) makes the services run as the file says.
      - V(stopped) stops their containers and keeps them.
      - V(absent) removes all containers and networks of the cluster O(cluster_name) from this host, by their label alone, so it needs no file.
    type: str
    choices: [present, stopped, absent]
    default: present
  file:
    description: Path of the Compose file. Needed unless O(state=absent), and without meaning there.
    type: path
  services:
    description:
      - The services to look after. All of the file when absent.
      - No other service is touched, save that a service of the same role which the file no longer has is removed.
    type: list
    elements: str
  cluster_name:
    description: The cluster to remove with O(state=absent).
    type: str
    default: waba
  remove_volumes:
    description: With O(state=absent), also remove the volumes that carry the cluster's label. Their data is lost.
    type: bool
    default: false
  keep_volumes:
    description: Volumes that stay even if they carry the label, since they are declared external now.
    type: list
    elements: str
    default: []
  keep_folders:
    description:
      - Folders of the host that containers mount. They always stay; those that are there are told among RV(retained), with the containers of others that
        mount them.
      - A folder on a share whose server does not answer counts as there.
    type: list
    elements: str
    default: []
  images:
    description: Names of images that the cluster runs from, besides those of the containers that are there.
    type: list
    elements: str
    default: []
  remove_images:
    description: With O(state=absent), also remove the cluster's images, but for those that a container of somebody else uses.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait until the services are ready; 0 does not wait.
    type: int
    default: 180
  stop_timeout:
    description: With O(state=stopped), seconds before a container is killed. What the file says when absent.
    type: int
  drain_timeout:
    description:
      - Seconds for each node to get out of service, before its container is stopped or replaced; 0 does without.
      - A node hands over when it is stopped, too. So one that cannot be taken out of service in time is a warning, and no error.
    type: int
    default: 0
seealso:
  - module: waba.cluster.compose_files
  - module: waba.cluster.cluster_objects_info
"""

EXAMPLES = r"""
- name: Bring the masters up and wait until they are healthy
  waba.cluster.compose_project:
    file: /opt/waba/multiconnect-compose.yml
    services: [master1, master2]

- name: Stop the webapps of this host
  waba.cluster.compose_project:
    file: /opt/waba/multiconnect-webapp.yml
    state: stopped

- name: Take the cluster off this host, and its data too
  waba.cluster.compose_project:
    state: absent
    remove_volumes: true
"""

RETURN = r"""
actions:
  description: What was done (or would be, in check mode) and why.
  returned: O(state=present) or O(state=stopped)
  type: list
  elements: dict
  sample: [{service: wacore1, action: start, reason: it is exited}]
containers:
  description: The containers of the services afterwards.
  returned: O(state=present) or O(state=stopped), where Docker could be asked
  type: list
  elements: dict
  sample: [{name: waba-wacore1-1, service: wacore1, role: coreapp, id: 3f1c, state: running, health: healthy, ports: [6250, 6251, 6252, 6253]}]
removed:
  description: What was removed (or would be, in check mode).
  returned: O(state=absent)
  type: list
  elements: dict
  sample: [{kind: container, name: waba-wacore1-1}]
retained:
  description: What carries the cluster's label and stays, and what never was the cluster's own, and why.
  returned: O(state=absent)
  type: list
  elements: dict
  sample: [{kind: volume, name: waba_mysqlData, reason: it is declared external}]
"""

import contextlib
import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils.compose.convergence import action_diff
from ansible_collections.waba.cluster.plugins.module_utils.compose.io.command import Compose
from ansible_collections.waba.cluster.plugins.module_utils.compose.io.project import Project, predicted
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import containers, objects
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import engine as docker_engine
from ansible_collections.waba.cluster.plugins.module_utils.docker.removal import external_objects, plan_removal
from ansible_collections.waba.cluster.plugins.module_utils.errors import DockerUnavailable, HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import host_lock
from ansible_collections.waba.cluster.plugins.module_utils.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils.secrets import redaction as secrecy

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
    """Make the services present or stopped; return the module's result. Raises HostError."""
    params = module.params
    if not os.path.exists(params["file"]):
        if module.check_mode:
            return prediction(module, "the file is not there yet")
        raise HostError(f"There is no {params['file']}. Write it with waba.cluster.compose_files first.")
    # From the look on, so that what is decided still holds when it is done.
    with contextlib.nullcontext() if module.check_mode else host_lock.exclusive():
        try:
            project = Project(docker_engine.connect(), Compose(module.run_command, params["file"]), params["services"])
        except DockerUnavailable:
            if module.check_mode:
                return prediction(module, "Docker is not there yet")
            raise
        result = carried_out(module, project)
    if not module.check_mode and params["state"] == "present" and params["wait_timeout"]:
        finish(module, project, result, lambda: project.wait(params["wait_timeout"]))
    return {**result, "containers": project.summary()}


def carried_out(module: AnsibleModule, project: Any) -> dict[str, Any]:
    """Decide and, but for check mode, act; return the module's result so far. Raises HostError."""
    params = module.params
    actions = project.actions(params["state"])
    missing = project.missing_images(actions)
    if missing and not module.check_mode:
        raise HostError(
            f"This host lacks the image {', '.join(missing)}, so nothing was touched. "
            "Build or load it with the role waba.cluster.images, or fix the image's name."
        )
    result = {"changed": bool(actions), "actions": [action._asdict() for action in actions]}
    if actions:
        result["diff"] = action_diff(actions, project.had, project.images, project.strays)
    if not module.check_mode:
        doubts = finish(
            module, project, result, lambda: project.carry_out(actions, params["stop_timeout"], params["drain_timeout"])
        )
        for doubt in doubts:
            module.warn(doubt)
    return result


def finish(module: AnsibleModule, project: Any, result: dict[str, Any], step: Callable[[], Any]) -> Any:
    """Return what a step returns; when it fails, the module ends with what was done so far, and no secret in it."""
    try:
        return step()
    except HostError as error:
        module.fail_json(msg=secrecy.redacted(str(error), project.secrets()), **result)


def prediction(module: AnsibleModule, why: str) -> dict[str, Any]:
    """Return the result of check mode where nothing can be asked yet."""
    params = module.params
    if params["state"] == "stopped":
        return {"changed": False, "actions": []}
    actions = predicted(params["file"], params["services"], why)
    return {"changed": True, "actions": [action._asdict() for action in actions], "diff": action_diff(actions, {}, {})}


def absent(module: AnsibleModule) -> dict[str, Any]:
    """Remove what carries the cluster's label; return the module's result. Raises HostError."""
    params = module.params
    folders = [folder for folder in params["keep_folders"] if objects.folder_exists(folder)]
    try:
        client = docker_engine.connect()
    except DockerUnavailable:
        if docker_engine.is_installed():  # an engine that is there but does not answer may still hold something
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
