# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: acme_certificate
short_description: Obtain a certificate from an ACME server, and renew it
version_added: 1.0.0
description:
  - Obtains a certificate with the client C(lego) when there is none, when it has expired, or when little of its validity is left. Otherwise it contacts
    no server.
  - Stores the certificate, its chain and its key in one file of O(folder), and the key of the account below C(accounts) there. Both are readable by
    their user only. Each certificate gets a new key.
  - Run it on the control node. M(waba.cluster.certificate_files) writes the files on a host.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
attributes:
  check_mode:
    details: Checks the client, and contacts no server.
  diff_mode:
    support: none
requirements:
  - lego 4.9 or newer 4.x
options:
  names:
    description: The host names of the certificate. A wildcard such as V(*.example.com) needs the challenge V(dns-01).
    type: list
    elements: str
    required: true
  folder:
    description: The folder of accounts and certificates. It is created with mode 0700.
    type: path
    required: true
  directory:
    description: URL of the directory of the ACME server.
    type: str
    required: true
  email:
    description: Address of the account, which is created when it does not exist.
    type: str
    required: true
  accept_terms:
    description: Accept the terms of the CA. The module fails if this is false.
    type: bool
    required: true
  ca:
    description: PEM file with the authority that signed the certificate of the ACME server itself, for a private CA. The system's authorities when empty.
    type: path
    default: ""
  challenge:
    description: How the server verifies the names.
    type: str
    choices: [http-01, dns-01]
    default: http-01
  http_address:
    description: For V(http-01), where C(lego) listens. Requests for C(/.well-known/acme-challenge/) of each name must arrive there with their C(Host).
    type: str
    default: ":8402"
  dns_provider:
    description: For V(dns-01), the code of the provider in C(lego dnshelp).
    type: str
    default: ""
  dns_environment:
    description: Variables of the provider, such as its token, by name. They are neither on a command line nor in the output.
    type: dict
    default: {}
  dns_check:
    description: Wait until the authoritative name servers answer with the record, before the ACME server is asked to verify it.
    type: bool
    default: true
  key_type:
    description: Type of the certificate's key.
    type: str
    choices: [ec256, ec384, rsa2048, rsa4096]
    default: ec256
  renew_percent:
    description: Renew a certificate when less than this percentage of its validity is left.
    type: int
    default: 33
  timeout:
    description: Seconds until an attempt is given up.
    type: int
    default: 600
seealso:
  - module: waba.cluster.certificate_files
"""

EXAMPLES = r"""
- name: Obtain the certificate of the API
  waba.cluster.acme_certificate:
    names: [api.example.com]
    folder: ~/.waba-acme
    directory: https://acme-v02.api.letsencrypt.org/directory
    email: operations@example.com
    accept_terms: true
  register: obtained
  delegate_to: localhost

- name: Write its files
  waba.cluster.certificate_files:
    certificate: /etc/waba/api.pem
    key: /etc/waba/api.key
    content: "{{ lookup('ansible.builtin.file', obtained.path) }}"
  no_log: true
"""

RETURN = r"""
path:
  description: The file with key, certificate and chain. In check mode, it may not exist.
  returned: always
  type: str
  sample: /home/operator/.waba-acme/api.example.com-0123456789ab.pem
reason:
  description: Why a certificate was obtained, or would be in check mode. Empty if none was due.
  returned: always
  type: str
  sample: the present one expires on 2026-12-01
expires:
  description: The day on which the stored certificate expires. Empty if there is none.
  returned: always
  type: str
  sample: "2026-12-01"
"""

import os
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.certificates import acme
from ansible_collections.waba.cluster.plugins.module_utils._internal.certificates.io import lego
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment

SHORTEST_SECRET = 6  # characters


def converge(client: lego.Lego, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Obtain the certificate if it is due; return the result. Raises HostError."""
    if not params["accept_terms"]:
        raise HostError("The terms of the CA are not accepted. Read them, and set accept_terms to true.")
    client.check(params)
    name = acme.file_name(params["directory"], params["names"], params["key_type"])
    path = os.path.join(params["folder"], name)

    def state() -> tuple[str, str]:
        return acme.due(files.read_text(path), time.time(), params["renew_percent"])

    reason, expires = state()
    if reason and not check_mode:
        with lego.locked_store(params["folder"]) as lock:
            if state()[0]:  # another run may have obtained it meanwhile
                files.replace(path, client.obtain(params, lock), lego.FILE_MODE, lock)
        expires = state()[1]
    return {"changed": bool(reason), "path": path, "reason": reason, "expires": expires}


def main() -> None:
    isolate_environment(downloads=True)
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "folder": {"type": "path", "required": True},
            "directory": {"type": "str", "required": True},
            "email": {"type": "str", "required": True},
            "accept_terms": {"type": "bool", "required": True},
            "ca": {"type": "path", "default": ""},
            "challenge": {"type": "str", "choices": [acme.HTTP, acme.DNS], "default": acme.HTTP},
            "http_address": {"type": "str", "default": ":8402"},
            "dns_provider": {"type": "str", "default": ""},
            "dns_environment": {"type": "dict", "default": {}, "no_log": True},
            "dns_check": {"type": "bool", "default": True},
            # The type of the key, not the key.
            "key_type": {"type": "str", "choices": list(acme.KEY_TYPES), "default": "ec256", "no_log": False},
            "renew_percent": {"type": "int", "default": 33},
            "timeout": {"type": "int", "default": 600},
        },
        required_if=[("challenge", acme.DNS, ["dns_provider"])],
        supports_check_mode=True,
    )
    params = dict(module.params)
    # A result repeats the options.
    module.params["dns_environment"] = dict.fromkeys(params["dns_environment"], "(redacted)")
    try:
        result = converge(lego.Lego(module.run_command, module.get_bin_path), params, module.check_mode)
    except HostError as error:
        # lego's reason may contain a secret. A short value, such as a TTL, is none, and masking it would garble the reason.
        module.no_log_values = {value for value in module.no_log_values if len(value) >= SHORTEST_SECRET}
        module.fail_json(msg=f"The certificate of {', '.join(params['names'])} was not obtained: {error}")
    # The result contains no secret. A value such as a user's name may be a part of the path, which must not be masked.
    module.no_log_values = set()
    module.exit_json(**result)


if __name__ == "__main__":
    main()
