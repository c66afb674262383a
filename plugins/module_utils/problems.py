# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with the input, gathered, so that an operator mends all of it in one go."""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils.argspec import ROLE_VARIABLES
from ansible_collections.waba.cluster.plugins.module_utils.table import table


class Problem(NamedTuple):
    """One thing that is wrong: which option, with which value, what is wrong with it, and how to mend it."""

    variable: str
    value: object
    wrong: str
    mend: str


class InputError(Exception):
    """The input cannot be planned. `problems` is a non-empty list of Problem."""

    def __init__(self, problems):
        super().__init__("; ".join(f"{problem.variable}: {problem.wrong}" for problem in problems))
        self.problems = problems


def report(problems, host, intro):
    """Return the message for people: intro, then a table with a line a problem: setting, value, fault and mend.

    problems: list of Problem. host: str, the name of the host whose settings these are. intro: str.
    """
    rows = [
        (
            named(problem.variable),
            shown(problem.value),
            problem.wrong,
            problem.mend,
        )
        for problem in problems
    ]
    return "\n".join([f"{intro} on {host}:", *table(rows, ("setting", "value", "what is wrong", "how to mend it"))])


def shown(value):
    """Return a value as text for a table. What stands in for one, as in "(not shown)", keeps its form."""
    if value is None:
        return "(not set)"
    return value if isinstance(value, str) and value.startswith("(") else repr(value)


def named(option):
    """Return an option's name with the roles' variable that sets it, since that is what most people wrote."""
    variable = ROLE_VARIABLES.get(re.split(r"[.\[]", option)[0])
    return f"{variable} ({option})" if variable else option
