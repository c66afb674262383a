# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: rotation_problems
short_description: List the reasons against rotating secrets
version_added: 1.0.0
description:
  - Lists the secrets that cannot be rotated in this cluster.
author:
  - waba.cluster contributors
positional: database, user, images
options:
  _input:
    description: The names of the secrets to rotate.
    type: list
    elements: str
    required: true
  database:
    description: The database in the topology, with C(external).
    type: dict
    required: true
  user:
    description: The setting C(waba_database_user).
    type: str
    required: true
  images:
    description: The images of the nodes.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Verify that the API key can be rotated
  ansible.builtin.assert:
    that: "['waba_api_key'] | waba.cluster.rotation_problems(waba_topology.database, 'waba', [waba_webapp_image]) == []"
"""

RETURN = r"""
_value:
  description: The problems, each with C(variable), C(value), C(problem) and C(fix).
  type: list
  elements: dict
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import rotation


def rotation_problems(
    secrets: Sequence[str], database: Mapping[str, Any], user: str, images: Iterable[str]
) -> list[dict[str, Any]]:
    """Return `rotation.request_problems` as dicts."""
    return [one._asdict() for one in rotation.request_problems(list(secrets), database, user, images)]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"rotation_problems": rotation_problems}
