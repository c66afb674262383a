# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What to change in the application settings. Pure."""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.secrets.redaction import HIDDEN, SECRET_NAME


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


def merged(settings, patch):
    """Return `settings` (dict, nested) as they are once `patch` has been applied."""
    result = dict(settings)
    for name, value in patch.items():
        both = isinstance(value, dict) and isinstance(result.get(name), dict)
        result[name] = merged(result[name], value) if both else value
    return result


def shown(patch, settings):
    """Return of `settings` what `patch` touches, for a diff. Where a name sounds like a secret, its value is hidden."""
    result = {}
    for name, value in patch.items():
        found = settings.get(name)
        if found is not None and SECRET_NAME.search(name):
            result[name] = HIDDEN
        elif isinstance(value, dict):
            result[name] = shown(value, found if isinstance(found, dict) else {})
        else:
            result[name] = found
    return result
