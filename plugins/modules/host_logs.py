# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_logs
short_description: Collect the logs of a host's containers, its files and its facts, without secrets
version_added: 1.0.0
description:
  - Writes one archive on the host, readable by its owner alone, in a folder of its own that nobody else can enter. Fetch it, and remove RV(folder).
  - In it are C(debug_output.txt) with the logs of all of the cluster's containers, stopped ones too, each line with its time and its container;
    the files that the host has for the cluster, in C(files); and C(host.json) with versions, space, memory, and how each container is.
  - Every secret is replaced wherever it occurs, however it is written there. Secrets are O(secrets), and what the environment files and the containers hold
    but for variables that may be shown. Logs are read as a stream, so their size costs disk and no memory.
  - A host without Docker, or whose engine does not answer, still tells its files and facts.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
requirements:
  - Docker SDK for Python (Debian package python3-docker), for the containers
attributes:
  check_mode:
    details: Writes nothing, and tells of no container.
  diff_mode:
    support: none
    details: What is in the logs is not shown.
  idempotent:
    support: none
    details: Every run collects anew.
options:
  cluster_name:
    description: The cluster.
    type: str
    default: waba
  path:
    description: The host's folder for the Compose files.
    type: path
    default: /opt/waba
  secrets:
    description: More secrets that must not be in the archive.
    type: list
    elements: str
    default: []
  since:
    description: From when. A date and time (UTC where it names no zone), or how long ago, as in V(90m), V(12h), V(3d). From the beginning when empty.
    type: str
    default: ""
  until:
    description: Until when, in the same form. Until now when empty.
    type: str
    default: ""
  tail:
    description: How many of the last lines of each container; V(0) for all.
    type: int
    default: 0
seealso:
  - module: waba.cluster.log_bundle
"""

EXAMPLES = r"""
- name: Collect the last two hours
  waba.cluster.host_logs:
    since: 2h
    secrets: ["{{ waba_database_password }}"]
  register: logs
"""

RETURN = r"""
archive:
  description: The archive.
  returned: success, but for check mode
  type: str
  sample: /var/tmp/waba-logs.waba.k3j2h1/logs.tar.gz
folder:
  description: The folder that it is in, to be removed.
  returned: success, but for check mode
  type: str
  sample: /var/tmp/waba-logs.waba.k3j2h1
containers:
  description: What was read of each container.
  returned: success, but for check mode
  type: list
  elements: dict
  sample: [{container: waba-wacore1-1, lines: 4711, bytes: 815000, note: ""}]
files:
  description: The files that the host has for the cluster.
  returned: success, but for check mode
  type: list
  elements: str
  sample: [multiconnect-compose.yml, db.env, mysql.env]
note:
  description: Why there are no containers.
  returned: success, but for check mode
  type: str
  sample: ""
"""

import json
import os
import shutil
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils import problems
from ansible_collections.waba.cluster.plugins.module_utils.contract import LABEL_CLUSTER
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import containers
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import engine as docker_engine
from ansible_collections.waba.cluster.plugins.module_utils.errors import DockerUnavailable, HostError
from ansible_collections.waba.cluster.plugins.module_utils.report.io import host_logs
from ansible_collections.waba.cluster.plugins.module_utils.report.io.host_facts import host_facts
from ansible_collections.waba.cluster.plugins.module_utils.report.io.log_archive import pack, private_folder
from ansible_collections.waba.cluster.plugins.module_utils.report.log_window import moment, window_problems
from ansible_collections.waba.cluster.plugins.module_utils.secrets.stream_redaction import Redactor


def collect(module, now):
    """Write the archive; return the module's result. Raises HostError."""
    params, cluster, note = module.params, module.params["cluster_name"], ""
    try:
        client = docker_engine.connect()
        inspected = containers.with_labels(client, f"{LABEL_CLUSTER}={cluster}")
    except DockerUnavailable as error:
        client, inspected, note = None, [], str(error)
    secrets = host_logs.found_secrets(params["path"], inspected, params["secrets"])
    window = {name: moment(params[name], now) for name in ("since", "until")}

    def redactor():
        return Redactor(secrets)

    with private_folder(cluster) as folder:
        content = os.path.join(folder, "content")
        for place in (content, os.path.join(content, "files")):
            os.mkdir(place, 0o700)
        rows = host_logs.write_logs(client, inspected, content, {**window, "tail": params["tail"]}, redactor)
        names = host_logs.write_files(params["path"], cluster, os.path.join(content, "files"), redactor)
        facts = host_facts(module.run_command, client, cluster, params["path"], inspected)
        text = redactor().whole(json.dumps(facts, indent=2, sort_keys=True))
        host_logs.write_private(os.path.join(content, "host.json"), f"{text}\n")
        archive = os.path.join(folder, "logs.tar.gz")
        pack(content, archive, ".")
        shutil.rmtree(content)
    return {"changed": True, "archive": archive, "folder": folder, "containers": rows, "files": names, "note": note}


def main():
    module = AnsibleModule(
        argument_spec={
            "cluster_name": {"type": "str", "default": "waba"},
            "path": {"type": "path", "default": "/opt/waba"},
            "secrets": {"type": "list", "elements": "str", "default": [], "no_log": True},
            "since": {"type": "str", "default": ""},
            "until": {"type": "str", "default": ""},
            "tail": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    now = time.time()
    wrong = window_problems(*(module.params[name] for name in ("since", "until", "tail")), now)
    if wrong:
        module.fail_json(msg=problems.message(wrong, "this host", "Nothing was collected"))
    if module.check_mode:
        module.exit_json(changed=True)
    try:
        module.exit_json(**collect(module, now))
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
