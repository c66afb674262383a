# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Problems with the input. They are collected and reported together, so that an operator can fix all of them at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import ROLE_VARIABLES
from ansible_collections.waba.cluster.plugins.module_utils._internal.table import table


class Problem(NamedTuple):
    """One problem with one option: the option, its value, the problem, and how to fix it."""

    variable: str
    value: object
    problem: str
    fix: str


class InputError(Exception):
    """The input is refused. `problems` is a non-empty sequence of Problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{problem.variable}: {problem.problem}" for problem in problems))
        self.problems = problems


def message(problems: Sequence[Problem], host: str, intro: str) -> str:
    """Return the message for operators: "<intro> on <host>:" and a table with one row for each problem."""
    rows = [
        (variable_label(problem.variable), value_text(problem.value), problem.problem, problem.fix)
        for problem in problems
    ]
    return "\n".join([f"{intro} on {host}:", *table(rows, ("setting", "value", "problem", "fix"))])


def value_text(value: object) -> str:
    """Return a value as text for a table. A placeholder in parentheses, such as "(redacted)", is returned unquoted."""
    if value is None:
        return "(not set)"
    return value if isinstance(value, str) and value.startswith("(") else repr(value)


def variable_label(option: str) -> str:
    """Return a module option preceded by the role variable that sets it, since most users write the variable."""
    variable = ROLE_VARIABLES.get(re.split(r"[.\[]", option)[0])
    return f"{variable} ({option})" if variable else option
