# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: secrets_file
short_description: Generate secrets once, and keep them in a variables file
version_added: 1.0.0
description:
  - Appends those secrets to a YAML variables file that nobody gave and that it does not have yet. What it has is never changed.
  - The file gets mode 0600, and so does one that others could read. A file that is encrypted with ansible-vault is left alone; where
    a secret is missing then, the module fails and names it.
  - Is a secret there without a value, or can nothing be appended to the file, the module fails and the file stays as it is.
  - Run it with C(no_log), since it returns what it generated.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
attributes:
  check_mode:
    details: Returns secrets as usual, so that the rest of a play can be predicted, and writes nothing.
requirements:
  - PyYAML
options:
  path:
    description: The variables file.
    type: path
    required: true
  secrets:
    description:
      - The secrets that are needed, by name; each a dictionary with C(kind) (V(alphanumeric) or V(admin_password)) and C(length)
        in characters (V(admin_password) has 8 at least).
    type: dict
    required: true
  given:
    description: Names of secrets that are given elsewhere.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Generate the admin's password once
  waba.cluster.secrets_file:
    path: group_vars/all/waba_secrets.yml
    secrets:
      waba_admin_password: {kind: admin_password, length: 24}
  no_log: true
"""

RETURN = r"""
secrets:
  description: Those secrets that were not given, by name.
  returned: always
  type: dict
generated:
  description: Names of the secrets that were generated now.
  returned: always
  type: list
  elements: str
"""

import contextlib
import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files
from ansible_collections.waba.cluster.plugins.module_utils.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils.secrets.generation import (
    appended,
    generate,
    unusable,
    wrong_requests,
)

try:
    import yaml
except ImportError:
    yaml = None

VAULT = "$ANSIBLE_VAULT"
MODE = 0o600


def read(path):
    """Return the text of a file, "" where there is none. Raises HostError."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise HostError(f"{path} cannot be read: {error}") from error


def load(text):
    """Parse YAML; what has a tag of Ansible's own (`!vault`) is there, without a value. Raises yaml.YAMLError."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda *_anything: None)
    return yaml.load(text, Loader)


def parse(path, text):
    """Return the variables (dict) in the text of a file. Raises HostError, which never shows what is in it."""
    try:
        found = load(text) or {}
    except yaml.YAMLError as error:
        raise HostError(f"{path} is not valid YAML. Fix it by hand; nothing was changed.") from error
    if not isinstance(found, dict):
        raise HostError(f"{path} holds no variables. Fix it by hand; nothing was changed.")
    return found


def extended(path, text, found, new):
    """Return the file's text with the new secrets ({name: secret}) appended. Raises HostError where it would then say something else."""
    result = appended(text, new)
    try:
        if load(result) == {**found, **new}:
            return result
    except yaml.YAMLError:
        pass
    raise HostError(
        f"{path}: nothing can be appended to it, since its variables are not at the left margin of a single document. "
        f"Fix that by hand, or move it away and add its variables again; nothing was changed. Missing: {', '.join(new)}."
    )


def converge(module):
    """Generate what is missing; return the module's result. Raises HostError, OSError."""
    params = module.params
    path = os.path.realpath(params["path"])
    folder = os.path.dirname(path)
    if not module.check_mode and set(params["secrets"]) - set(params["given"]):
        os.makedirs(folder, mode=0o700, exist_ok=True)
    # Two runs that generate at the same time would each believe in their own secrets.
    with files.alone_in(folder) if os.path.isdir(folder) else contextlib.nullcontext() as alone:
        return extend(module, path, alone)


def extend(module, path, alone):
    """Add what is missing to the file at a path; return the module's result. alone: see `files.replace`. Raises HostError, OSError."""
    wanted = module.params["secrets"]
    needed = [name for name in wanted if name not in module.params["given"]]
    text, left = read(path), files.left_beside([path])
    if not needed:
        found = {}
    elif text.startswith(VAULT):
        raise HostError(
            f"{path} is encrypted, and these secrets are not among its variables: {', '.join(needed)}. "
            "Add them with ansible-vault edit, or give them elsewhere; or run with the vault's password."
        )
    else:
        found = parse(path, text)
    if empty := unusable(found, needed):
        raise HostError(
            f"{path} has no usable value for {', '.join(empty)}. Give one, or take the line out; nothing was changed."
        )
    new = {name: generate(wanted[name]["kind"], wanted[name]["length"]) for name in needed if name not in found}
    whole = extended(path, text, found, new) if new else text
    loose = bool(text) and not text.startswith(VAULT) and os.stat(path).st_mode & 0o077
    if not module.check_mode:
        for leftover in left:
            files.remove(leftover)
        if new:
            files.replace(path, whole, MODE, alone)
        elif loose:
            os.chmod(path, MODE)
    return {
        "changed": bool(new or loose or left),
        "secrets": {name: str(new.get(name, found.get(name))) for name in needed},
        "generated": sorted(new),
        "diff": {"before": "", "after": "".join(f"{name} (generated)\n" for name in sorted(new))},
    }


def main():
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "secrets": {"type": "dict", "required": True, "no_log": False},
            "given": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    if yaml is None:
        module.fail_json(msg="PyYAML is missing for this Python. Run the module with the Python that runs Ansible.")
    wrong = wrong_requests(module.params["secrets"])
    if wrong:
        module.fail_json(msg="; ".join(wrong) + ".")
    try:
        result = converge(module)
    except (HostError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
