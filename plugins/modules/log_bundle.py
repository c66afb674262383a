# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: log_bundle
short_description: Put the hosts' logs into one folder, and into one archive of it
version_added: 1.0.0
description:
  - Unpacks what M(waba.cluster.host_logs) wrote on each host, and was fetched since, into a folder for each host; adds C(status.json) and a summary;
    and packs all of it into one archive beside the folder. Folder and archive are readable by their owner alone. It runs on the controller.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
attributes:
  check_mode:
    details: Writes nothing.
  diff_mode:
    support: none
    details: What is in the logs is not shown.
  idempotent:
    support: none
    details: Every run packs anew.
options:
  folder:
    description: The folder. The fetched archives are in it, each as C(HOST.tar.gz); they go.
    type: path
    required: true
  reports:
    description: The results of M(waba.cluster.host_logs) by host, as Ansible registers them, also of hosts that could not be asked.
    type: dict
    required: true
  status:
    description: How the cluster is, as P(waba.cluster.status#filter) tells.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Make one folder and one archive of it
  waba.cluster.log_bundle:
    folder: /root/waba-logs/waba-20260131T120000
    reports: {localhost: "{{ logs }}"}
  delegate_to: localhost
"""

RETURN = r"""
archive:
  description: The archive.
  returned: success, but for check mode
  type: str
  sample: /root/waba-logs/waba-20260131T120000.tar.gz
rows:
  description: What came of each host.
  returned: success
  type: list
  elements: dict
  sample: [{host: localhost, container: waba-wacore1-1, lines: 4711, bytes: 815000, note: ""}]
missing:
  description: Hosts of which nothing came.
  returned: success
  type: list
  elements: str
  sample: []
"""

import json
import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils.database.io import backup_archive
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files
from ansible_collections.waba.cluster.plugins.module_utils.report.io.log_archive import pack
from ansible_collections.waba.cluster.plugins.module_utils.report.logs import COLUMNS, report_rows
from ansible_collections.waba.cluster.plugins.module_utils.table import table


def bundle(folder, rows, hosts, status):
    """Unpack and pack; return the archive's path. hosts: those whose archives came. Raises HostError."""
    for host in hosts:
        fetched, place = os.path.join(folder, f"{host}.tar.gz"), os.path.join(folder, host)
        try:
            os.makedirs(place, 0o700, exist_ok=True)
        except OSError as error:
            raise HostError(f"Cannot make the folder {place}: {error.strerror}.") from error
        backup_archive.unpack_folder(fetched, place)
        files.remove(fetched)
    lines = table([[row[column] for column in COLUMNS] for row in rows], COLUMNS)
    files.write(os.path.join(folder, "summary.txt"), "".join(f"{line}\n" for line in lines), 0o600)
    files.write(os.path.join(folder, "status.json"), json.dumps(status, indent=2, sort_keys=True) + "\n", 0o600)
    archive = f"{folder}.tar.gz"
    pack(folder, archive, os.path.basename(folder))
    return archive


def main():
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "reports": {"type": "dict", "required": True},
            "status": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    params = module.params
    folder = params["folder"].rstrip("/")
    came = [host for host in params["reports"] if os.path.isfile(os.path.join(folder, f"{host}.tar.gz"))]
    rows = report_rows(params["reports"], came)
    result = {"changed": True, "rows": rows, "missing": [host for host in params["reports"] if host not in came]}
    if module.check_mode:
        module.exit_json(**result)
    try:
        module.exit_json(archive=bundle(folder, rows, came, params["status"]), **result)
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
