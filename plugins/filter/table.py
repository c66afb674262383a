# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: table
short_description: Format a list of dictionaries as an aligned table
version_added: 1.0.0
description:
  - Formats a list of dictionaries as columns with one line for each, for C(ansible.builtin.debug).
author:
  - waba.cluster contributors
positional: columns
options:
  _input:
    description: The rows.
    type: list
    elements: dict
    required: true
  columns:
    description: The keys to print, in order. They are the headings too.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Print the nodes
  ansible.builtin.debug:
    msg: "{{ health.nodes | waba.cluster.table(['name', 'role', 'gateway_status']) }}"
"""

RETURN = r"""
_value:
  description: The lines, with the headings first.
  type: list
  elements: str
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.table import table


def rows_as_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> list[str]:
    """Return the lines of a table with these columns. Keys that a row lacks are empty cells."""
    return table([[_text(row.get(column, "")) for column in columns] for row in rows], columns)


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"table": rows_as_table}
