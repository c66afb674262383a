# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_files
short_description: Write a certificate and its key
version_added: 1.0.0
description:
  - Writes the two files of a certificate, the key with mode 0600. Each is written atomically, one directly after the other, so that no program reads half
    a file. Missing folders are created.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
attributes:
  diff_mode:
    details: Names the files, without their contents.
options:
  certificate:
    description: Path of the certificate and its chain.
    type: path
    required: true
  key:
    description: Path of the key.
    type: path
    required: true
  content:
    description: Certificate, chain and key in PEM as one text, in any order.
    type: str
    required: true
seealso:
  - module: waba.cluster.acme_certificate
"""

EXAMPLES = r"""
- name: Write the certificate of the API
  waba.cluster.certificate_files:
    certificate: /etc/waba/api.pem
    key: /etc/waba/api.key
    content: "{{ lookup('ansible.builtin.file', 'api.pem') }}"
  no_log: true
"""

RETURN = r"""
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.certificates import acme
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment

MODES = {"key": 0o600, "certificate": 0o644}


def converge(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Write the files that differ; return the result. Raises HostError."""
    try:
        certificate, key = acme.split(params["content"])
    except ValueError as error:
        raise HostError(f"The content is refused: {error}.") from error
    wanted = {"key": (key, MODES["key"]), "certificate": (certificate, MODES["certificate"])}
    changes = [option for option in wanted if (files.read(params[option]) or ())[:2] != wanted[option]]
    for option in changes if not check_mode else []:
        os.makedirs(os.path.dirname(params[option]), exist_ok=True)
        files.write(params[option], *wanted[option])
    return {
        "changed": bool(changes),
        "diff": {"before": "", "after": "".join(f"{params[option]} ({option})\n" for option in changes)},
    }


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "certificate": {"type": "path", "required": True},
            "key": {"type": "path", "required": True, "no_log": False},  # the path of the key, not the key
            "content": {"type": "str", "required": True, "no_log": True},
        },
        supports_check_mode=True,
    )
    try:
        result = converge(module.params, module.check_mode)
    except (HostError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
