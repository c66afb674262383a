# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The changes of the application settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.redaction import REDACTED, SECRET_NAME


def is_same(wanted: object, found: object) -> bool:
    """Return whether two values are the same. The API may return a number as text (docs/reference/vendor-contract.md#settings)."""
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    if isinstance(wanted, (int, float)) and isinstance(found, str):
        return str(wanted) == found
    if isinstance(wanted, str) and isinstance(found, (int, float)):
        return wanted == str(found)
    return wanted == found


def difference(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of the wanted settings (nested) that the found ones lack."""
    patch = {}
    for name, value in wanted.items():
        old = found.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            inner = difference(value, old)
            if inner:
                patch[name] = inner
        elif not is_same(value, old):
            patch[name] = value
    return patch


def merged(settings: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings (nested) with a patch applied."""
    result = dict(settings)
    for name, value in patch.items():
        both = isinstance(value, dict) and isinstance(result.get(name), dict)
        result[name] = merged(result[name], value) if both else value
    return result


def patched_part(patch: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of the settings that a patch changes, for a diff. Values whose name suggests a secret are redacted."""
    result: dict[str, Any] = {}
    for name, value in patch.items():
        found = settings.get(name)
        if found is not None and SECRET_NAME.search(name):
            result[name] = REDACTED
        elif isinstance(value, dict):
            result[name] = patched_part(value, found if isinstance(found, dict) else {})
        else:
            result[name] = found
    return result
