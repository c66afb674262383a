# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: table
short_description: Show a list of dictionaries as an aligned table
version_added: 1.0.0
description:
  - Lays a list of dictionaries out in columns, one line each, for C(ansible.builtin.debug).
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
    description: The keys to show, in order. They are the headings too.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show what runs
  ansible.builtin.debug:
    msg: "{{ waba_health.nodes | waba.cluster.table(['name', 'role', 'gateway_status']) }}"
"""

RETURN = r"""
_value:
  description: The lines, headings first.
  type: list
  elements: str
"""

from ansible_collections.waba.cluster.plugins.module_utils.table import table


def rows_as_table(rows, columns):
    """Return the lines of a table of rows (list of dicts) with the given columns (list of keys); missing values are empty."""
    return table([[_text(row.get(column, "")) for column in columns] for row in rows], columns)


def _text(value):
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


class FilterModule:
    def filters(self):
        return {"table": rows_as_table}
