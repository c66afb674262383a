# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Variables that look like settings and are none: a typo would otherwise be taken for the default, silently (rules: ours)."""

from __future__ import annotations

import difflib

from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem

SHARED_PREFIX = "waba_"  # ours alone; the other roles' prefixes may be other people's too
LOOKS_LIKE = 0.6  # difflib's own default: below it a name is no help
SURELY_MEANT = 0.85


def unknown(names, known):
    """Return (problems, warnings) for variables that nobody reads.

    names: iterable of str, every variable of a host. known: set of str, every setting that there is. A name that begins like the shared settings
    is refused; one that is only very like another role's setting is worth a warning.
    """
    problems, warnings = [], []
    for name in sorted(set(names) - known):
        if name.startswith(SHARED_PREFIX):
            written_out = name.replace("_db_", "_database_")  # the vendor's word for it
            nearest = difflib.get_close_matches(written_out, known, n=1, cutoff=LOOKS_LIKE)
            fix = f"Write {nearest[0]}" if nearest else "Take it out; names with waba_ are for the collection alone"
            problems.append(Problem(name, "(not read)", "there is no such setting", fix))
        else:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=SURELY_MEANT)
            if nearest and not nearest[0].startswith(SHARED_PREFIX):
                warnings.append(
                    Problem(name, "(not read)", "there is no such setting of ours", f"Did you mean {nearest[0]}?")
                )
    return problems, warnings
