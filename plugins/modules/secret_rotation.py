# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_rotation
short_description: Bring the rotation of secrets in a variables file to its next phase
version_added: 1.0.0
description:
  - Changes the variables of a rotation in the variables file of the secrets, with one atomic write. The role C(waba.cluster.rotate_secrets) decides when.
  - Changes the lines of these variables only, and sets the mode of the file to 0600.
  - Fails without a change if a variable is set elsewhere than in the file, or if the file is encrypted with ansible-vault. The message names the lines to
    change by hand.
  - Use C(no_log), because the module returns the secrets.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
attributes:
  check_mode:
    details: Returns secrets as in a real run, and writes nothing.
requirements:
  - PyYAML
options:
  path:
    description: The variables file.
    type: path
    required: true
  step:
    description:
      - V(begin) gives each of O(secrets) a next value.
      - V(advance) makes the next values the present ones, and stores the former ones as previous ones.
      - V(finish) removes the previous values, except the token key's.
      - V(retire) removes the previous token key.
    type: str
    choices: [begin, advance, finish, retire]
    required: true
  secrets:
    description: With O(step=begin), the secrets to rotate by name, as for M(waba.cluster.secrets_file).
    type: dict
    default: {}
  current:
    description: The variables of the rotation that the run knows, by name. Empty ones are ignored.
    type: dict
    required: true
  user:
    description: The first one of the two accounts of the nodes in the database.
    type: str
    default: waba
seealso:
  - module: waba.cluster.secrets_file
"""

EXAMPLES = r"""
- name: Give the API key a next value
  waba.cluster.secret_rotation:
    path: group_vars/all/waba_secrets.yml
    step: begin
    secrets:
      waba_api_key: {kind: alphanumeric, length: 48}
    current:
      waba_api_key: "{{ waba_api_key }}"
  no_log: true
"""

RETURN = r"""
secrets:
  description: The changed variables, by name. A removed one is empty.
  returned: success
  type: dict
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import rotation
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.generation import (
    edited,
    generate,
    request_problems,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.io import variables_file

VARIABLES = (*rotation.ROTATABLE, *rotation.PENDING, rotation.ACCOUNT)
REPEAT = "Then run rotate_secrets.yml again with an empty waba_rotate: it continues"


def by_hand(step: str, params: Mapping[str, Any]) -> str:
    """Return how to make the changes of a step by hand, without a value."""
    current = params["current"]
    if step == "begin":
        names = [rotation.next_name(secret) for secret in params["secrets"]]
        return f"Add {', '.join(names)} with new values where the secrets are set. {REPEAT}."
    if step == "advance":
        secrets = rotation.pending_secrets(current, rotation.next_name)
        parts = [
            f"rename {secret} to {rotation.previous_name(secret)}"
            if rotation.has_previous(secret)
            else f"remove {secret}"
            for secret in secrets
        ]
        parts += [f"rename {rotation.next_name(secret)} to {secret}" for secret in secrets]
        account = rotation.advanced(current, params["user"]).get(rotation.ACCOUNT)
        return f"In this order, {', '.join(parts + ([f'set {rotation.ACCOUNT} to {account}'] if account else []))}. {REPEAT}."
    changes = rotation.finished(current) if step == "finish" else rotation.retired(current)
    return f"Remove {', '.join(changes)}. {REPEAT}."


def changes_of(params: Mapping[str, Any], values: Mapping[str, str]) -> rotation.Changes:
    """Return the changes of the step. values: those of the file. Raises HostError if the step does not follow on the file's phase."""
    step, phase = params["step"], rotation.phase(values)
    if step == "begin":
        if phase != rotation.IDLE:
            raise HostError("Another run has begun a rotation meanwhile. Run rotate_secrets.yml again: it continues.")
        new = {name: generate(one["kind"], one["length"]) for name, one in params["secrets"].items()}
        return rotation.begun(new, new)
    if step == "advance":
        return rotation.advanced(values, params["user"])
    return rotation.finished(values) if step == "finish" else rotation.retired(values)


def converge(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Make the changes of a step; return the module's result. Raises HostError, OSError."""
    path = os.path.realpath(params["path"])
    with files.locked_folder(os.path.dirname(path)) as lock:
        text = variables_file.read(path)
        manual = by_hand(params["step"], params)
        if text.startswith(variables_file.VAULT):
            raise HostError(
                f"{path} is encrypted, so it is not changed here. Decrypt it for this run, or edit it: {manual}"
            )
        found = variables_file.parse(path, text)
        values = {name: str(found[name]) for name in VARIABLES if found.get(name)}
        elsewhere = [name for name, value in params["current"].items() if value and str(value) != values.get(name)]
        if elsewhere:
            raise HostError(f"These are not set in {path}, but elsewhere: {', '.join(sorted(elsewhere))}. {manual}")
        changes = changes_of(params, values)
        if changes and not check_mode:
            files.replace(path, _content(path, text, found, changes), variables_file.MODE, lock)
    return {
        "changed": bool(changes),
        "secrets": {name: value or "" for name, value in changes.items()},
        "diff": {"before": "", "after": "".join(f"{name} ({_verb(value)})\n" for name, value in changes.items())},
    }


def _content(path: str, text: str, found: Mapping[str, Any], changes: rotation.Changes) -> str:
    expected = {name: value for name, value in {**found, **changes}.items() if value is not None or name not in changes}
    return variables_file.verified(path, edited(text, changes), expected, changes)


def _verb(value: str | None) -> str:
    return "removed" if value is None else "changed"


def strings(values: Iterable[Any]) -> set[str]:
    """Return values as text."""
    return {str(value) for value in values}


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "step": {"type": "str", "choices": ["begin", "advance", "finish", "retire"], "required": True},
            "secrets": {"type": "dict", "default": {}, "no_log": False},
            "current": {"type": "dict", "required": True, "no_log": True},
            "user": {"type": "str", "default": "waba"},
        },
        supports_check_mode=True,
    )
    if not variables_file.HAS_YAML:
        module.fail_json(msg="PyYAML is missing for this Python. Run the module with the Python that runs Ansible.")
    found = request_problems(module.params["secrets"])
    unknown = sorted(set(module.params["secrets"]) - set(rotation.ROTATABLE))
    found += [f"secrets.{name} cannot be rotated" for name in unknown]
    if found:
        module.fail_json(msg="; ".join(found) + ".")
    try:
        result = converge(module.params, module.check_mode)
    except (HostError, OSError) as error:
        module.fail_json(msg=str(error))
    module.no_log_values -= strings(module.params["current"].values())  # the result contains them under other names
    module.exit_json(**result)


if __name__ == "__main__":
    main()
