# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What to change in the application settings. Pure."""

from __future__ import annotations


def same(wanted, found):
    """Return whether two settings are the same; the API may give a number as text (vendor fact)."""
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    if isinstance(wanted, (int, float)) and isinstance(found, str):
        return str(wanted) == found
    if isinstance(wanted, str) and isinstance(found, (int, float)):
        return wanted == str(found)
    return wanted == found


def difference(wanted, found):
    """Return the part of `wanted` (dict, nested) that `found` (dict) does not have yet."""
    patch = {}
    for name, value in wanted.items():
        old = found.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            inner = difference(value, old)
            if inner:
                patch[name] = inner
        elif not same(value, old):
            patch[name] = value
    return patch


def shown(patch, settings):
    """Return of `settings` what `patch` touches, for a diff."""
    return {
        name: shown(value, settings[name])
        if isinstance(value, dict) and isinstance(settings.get(name), dict)
        else settings.get(name)
        for name, value in patch.items()
    }
