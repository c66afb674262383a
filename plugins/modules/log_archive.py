# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: log_archive
short_description: Archive the logs of a host's containers with its files and facts, secrets redacted
version_added: 1.0.0
description:
  - Writes one archive on the host, in a private folder of its own that only its owner can enter. Fetch the archive, then remove RV(folder).
  - The archive contains C(debug_output.txt) with the logs of all the cluster's containers, including stopped ones, each line with its time and container; the
    cluster's files on the host, in C(files); and C(host.json) with versions, disk space, memory and the state of each container.
  - Every secret is redacted wherever and however it is written. Secrets are O(secrets), and the values in the environment files and the containers, except
    variables that are known to hold no secret. Logs are processed as a stream, so their size costs disk space but no memory.
  - A source that fails, such as an engine that does not answer or a log that cannot be read, is noted. The others are still collected.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.cluster
  - waba.cluster.attributes
requirements:
  - Docker SDK for Python (Debian package python3-docker), for the containers
attributes:
  check_mode:
    details: Writes nothing and reports no container.
  diff_mode:
    support: none
    details: The content of logs is not reported.
  idempotent:
    support: none
    details: Every run collects the logs again.
options:
  secrets:
    description: Further secrets to redact.
    type: list
    elements: str
    default: []
  since:
    description:
      - The beginning. A date and time (UTC if it names no zone), or a duration before now, as in V(90m), V(12h) or V(3d). The whole log if empty.
    type: str
    default: ""
  until:
    description: The end, in the same formats. Now if empty.
    type: str
    default: ""
  tail:
    description: The number of last lines of each container; V(0) for all.
    type: int
    default: 0
seealso:
  - module: waba.cluster.log_bundle
"""

EXAMPLES = r"""
- name: Archive the logs of the last two hours
  waba.cluster.log_archive:
    since: 2h
    secrets: ["{{ waba_database_password }}"]
  register: logs
"""

RETURN = r"""
archive:
  description: The archive.
  returned: success, except in check mode
  type: str
  sample: /var/tmp/waba-logs.waba.k3j2h1/logs.tar.gz
folder:
  description: The folder of the archive, to be removed.
  returned: success, except in check mode
  type: str
  sample: /var/tmp/waba-logs.waba.k3j2h1
containers:
  description: The amount of log of each container.
  returned: success, except in check mode
  type: list
  elements: dict
  sample: [{container: waba-wacore1-1, lines: 4711, bytes: 815000, note: ""}]
files:
  description: The cluster's files on the host.
  returned: success, except in check mode
  type: list
  elements: str
  sample: [multiconnect-compose.yml, db.env, mysql.env]
note:
  description: The reason why there are no containers.
  returned: success, except in check mode
  type: str
  sample: ""
"""

import json
import os
import shutil
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal import problems
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import LABEL_CLUSTER
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers, engine
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.io import log_archive, log_files
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.io.host_facts import host_facts
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.log_window import (
    parse_time,
    window_problems,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.stream_redaction import Redactor

OPTIONS = {
    "cluster_name": {"type": "str", "default": "waba"},
    "path": {"type": "path", "default": "/opt/waba"},
    "secrets": {"type": "list", "elements": "str", "default": [], "no_log": True},
    "since": {"type": "str", "default": ""},
    "until": {"type": "str", "default": ""},
    "tail": {"type": "int", "default": 0},
}


def collect(module: AnsibleModule, now: float) -> dict[str, Any]:
    """Write the archive; return the module's result. Raises HostError."""
    params, cluster, note = module.params, module.params["cluster_name"], ""
    client: Any = None
    inspected: list[containers.Inspected] = []
    try:
        client = engine.connect()
        inspected = containers.with_labels(client, f"{LABEL_CLUSTER}={cluster}")
    except HostError as error:
        note = str(error)
    secrets = log_files.known_secrets(params["path"], inspected, params["secrets"])
    window = {name: parse_time(params[name], now) for name in ("since", "until")}

    def redactor() -> Redactor:
        return Redactor(secrets)

    with log_archive.private_folder(cluster) as folder:
        content = os.path.join(folder, "content")
        for place in (content, os.path.join(content, "files")):
            os.mkdir(place, 0o700)
        rows = log_files.write_logs(client, inspected, content, {**window, "tail": params["tail"]}, redactor)
        names = log_files.write_files(params["path"], cluster, os.path.join(content, "files"), redactor)
        facts = host_facts(module.run_command, client, cluster, params["path"], inspected)
        text = redactor().whole(json.dumps(facts, indent=2, sort_keys=True))
        log_files.write_private(os.path.join(content, "host.json"), f"{text}\n")
        archive = os.path.join(folder, "logs.tar.gz")
        log_archive.pack(content, archive, ".")
        shutil.rmtree(content)
    return {"changed": True, "archive": archive, "folder": folder, "containers": rows, "files": names, "note": note}


def main() -> None:
    isolate_environment()
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    now = time.time()
    found = window_problems(module.params["since"], module.params["until"], module.params["tail"], now)
    if found:
        module.fail_json(msg=problems.message(found, "this host", "No logs were collected"))
    if module.check_mode:
        module.exit_json(changed=True)
    try:
        module.exit_json(**collect(module, now))
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
