# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: secrets_file
short_description: Generate secrets once, and store them in a variables file
version_added: 1.0.0
description:
  - Appends the secrets that are neither set elsewhere nor in the file to a YAML variables file. Existing secrets are never changed.
  - Sets the mode of the file to 0600. A file that is encrypted with ansible-vault is not changed; if it lacks a secret, the module fails and names
    the secret.
  - Fails without a change if a secret in the file has no value, or if nothing can be appended to the file.
  - Refuses to write into an installed collection, because C(ansible-galaxy collection install --force) would delete the secrets.
  - Use C(no_log), because the module returns the secrets.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
attributes:
  check_mode:
    details: Returns secrets as in a real run, so that a play can continue, and writes nothing.
requirements:
  - PyYAML
options:
  path:
    description: The variables file.
    type: path
    required: true
  secrets:
    description:
      - The required secrets by name, each a dictionary with C(kind) (V(alphanumeric) or V(admin_password)) and C(length) in characters. An
        V(admin_password) has at least 8 characters.
    type: dict
    required: true
  read:
    description: Names of secrets that are never generated, and returned if the file has them.
    type: list
    elements: str
    default: []
  given:
    description: Names of secrets that are set elsewhere.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Generate the administrator's password once
  waba.cluster.secrets_file:
    path: group_vars/all/waba_secrets.yml
    secrets:
      waba_admin_password: {kind: admin_password, length: 24}
  no_log: true
"""

RETURN = r"""
secrets:
  description: The secrets in the file, by name.
  returned: always
  type: dict
generated:
  description: Names of the secrets that this run generated.
  returned: always
  type: list
  elements: str
"""

import contextlib
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.generation import (
    appended,
    generate,
    request_problems,
    without_usable_value,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.io import variables_file
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.io.variables_file import (
    HAS_YAML,
    MODE,
    VAULT,
    installed_collection,
    parse,
)


def converge(module: AnsibleModule) -> dict[str, Any]:
    """Generate the missing secrets; return the module's result. Raises HostError, OSError."""
    params = module.params
    path = os.path.realpath(params["path"])
    folder = os.path.dirname(path)
    needed = [name for name in params["secrets"] if name not in params["given"]]
    if needed and not module.check_mode and not installed_collection(path):
        os.makedirs(folder, mode=0o700, exist_ok=True)
    # Without the lock, two concurrent runs would each use their own secrets.
    with files.locked_folder(folder) if os.path.isdir(folder) else contextlib.nullcontext() as lock:
        return _extend(module, path, needed, lock)


def _extend(module: AnsibleModule, path: str, needed: list[str], lock: int | None) -> dict[str, Any]:
    """Add the missing secrets to the file; return the module's result. lock: see `files.replace`. Raises HostError, OSError."""
    text, leftovers = variables_file.read(path), files.leftovers([path])
    issued = [name for name in module.params["read"] if name not in module.params["given"]]
    found = _existing(path, text, needed) if needed else _readable(path, text) if issued else {}
    wanted = module.params["secrets"]
    new = {name: generate(wanted[name]["kind"], wanted[name]["length"]) for name in needed if name not in found}
    collection = installed_collection(path)
    if collection and new:
        raise HostError(
            f"{path} is in the installed collection {collection}, which 'ansible-galaxy collection install --force' replaces. "
            "Copy the inventory to a folder of your own, or set waba_secrets_file to a path outside the collection. "
            "Nothing was changed."
        )
    if collection and needed:
        module.warn(
            f"{path} is in the installed collection {collection}, which 'ansible-galaxy collection install --force' replaces. "
            "Move the file out of it, and set waba_secrets_file to its new path."
        )
    content = variables_file.verified(path, appended(text, new), {**found, **new}, new) if new else text
    readable_by_others = bool(text) and not text.startswith(VAULT) and bool(os.stat(path).st_mode & 0o077)
    if not module.check_mode:
        for leftover in leftovers:
            files.remove(leftover)
        if new and lock is not None:
            files.replace(path, content, MODE, lock)
        elif readable_by_others:
            os.chmod(path, MODE)
    return {
        "changed": bool(new or readable_by_others or leftovers),
        "secrets": {
            name: str(new.get(name, found.get(name))) for name in needed + [one for one in issued if found.get(one)]
        },
        "generated": sorted(new),
        "diff": {"before": "", "after": "".join(f"{name} (generated)\n" for name in sorted(new))},
    }


def _existing(path: str, text: str, needed: list[str]) -> dict[str, Any]:
    """Return the variables in the file. Raises HostError if needed secrets cannot be read or appended."""
    if text.startswith(VAULT):
        raise HostError(
            f"{path} is encrypted, and these secrets are not among its variables: {', '.join(needed)}. "
            "Add them with ansible-vault edit, or set them elsewhere; or run with the vault's password."
        )
    found = parse(path, text)
    if unusable := without_usable_value(found, needed):
        raise HostError(
            f"{path} has no usable value for {', '.join(unusable)}. Set a value, or remove the line; nothing was changed."
        )
    return found


def _readable(path: str, text: str) -> dict[str, Any]:
    """Return the variables in the file; none of an encrypted one, which Ansible itself reads. Raises HostError."""
    return {} if text.startswith(VAULT) else parse(path, text)


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "secrets": {"type": "dict", "required": True, "no_log": False},
            "read": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "given": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    if not HAS_YAML:
        module.fail_json(msg="PyYAML is missing for this Python. Run the module with the Python that runs Ansible.")
    found = request_problems(module.params["secrets"])
    if found:
        module.fail_json(msg="; ".join(found) + ".")
    try:
        result = converge(module)
    except (HostError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
