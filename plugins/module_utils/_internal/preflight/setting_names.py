# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Variables that resemble settings but are not: without a check, a misspelled setting would silently have its default."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

SHARED_PREFIX = "waba_"  # reserved for the collection; other variables may begin like the prefixes of the other roles
SIMILAR = 0.6  # the default of difflib; a less similar name would mislead
VERY_SIMILAR = 0.85


def unknown(names: Iterable[str], known: set[str]) -> tuple[list[Problem], list[Problem]]:
    """Return (problems, warnings) about variables that are not settings.

    names: the variables of a host. known: all settings. A name with the prefix of the shared settings is a problem; a name that is very similar to another
    setting is a warning.
    """
    problems: list[Problem] = []
    warnings: list[Problem] = []
    for name in sorted(set(names) - known):
        if name.startswith(SHARED_PREFIX):
            expanded = name.replace("_db_", "_database_")  # the vendor's abbreviation
            nearest = difflib.get_close_matches(expanded, known, n=1, cutoff=SIMILAR)
            fix = f"Write {nearest[0]}" if nearest else "Take it out; names with waba_ are for the collection alone"
            problems.append(Problem(name, "(not read)", "there is no such setting", fix))
        else:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=VERY_SIMILAR)
            if nearest and not nearest[0].startswith(SHARED_PREFIX):
                warnings.append(
                    Problem(name, "(not read)", "the collection has no such setting", f"Did you mean {nearest[0]}?")
                )
    return problems, warnings
