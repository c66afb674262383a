# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: log_bundle
short_description: Bundle the hosts' log archives into one folder and one archive
version_added: 1.0.0
description:
  - Unpacks the archives that M(waba.cluster.log_archive) wrote and that were fetched since, each into a folder of its host; adds C(status.json) and
    C(summary.txt); and packs the folder into one archive beside it. Only their owner can read the folder and the archive.
  - Runs on the controller only; no connection to the host is made.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
attributes:
  check_mode:
    details: Writes nothing.
  diff_mode:
    support: none
    details: The content of logs is not reported.
  idempotent:
    support: none
    details: Every run packs the folder again.
options:
  folder:
    description: The folder with the fetched archives, C(HOST.tar.gz) each, which are removed.
    type: path
    required: true
  reports:
    description: The results of M(waba.cluster.log_archive) by host, as Ansible registers them, including hosts that could not be reached.
    type: dict
    required: true
  status:
    description: The status of the cluster, as P(waba.cluster.cluster_status#filter) returns it.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Bundle the logs
  waba.cluster.log_bundle:
    folder: /root/waba-logs/waba-20260131T120000
    reports: {localhost: "{{ logs }}"}
"""

RETURN = r"""
archive:
  description: The archive.
  returned: success, except in check mode
  type: str
  sample: /root/waba-logs/waba-20260131T120000.tar.gz
rows:
  description: The outcome for each container and host.
  returned: success
  type: list
  elements: dict
  sample: [{host: localhost, container: waba-wacore1-1, lines: 4711, bytes: 815000, note: ""}]
missing:
  description: Hosts without an archive.
  returned: success
  type: list
  elements: str
  sample: []
"""
