# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The variables file on the controller that stores the secrets."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

HAS_YAML = yaml is not None
VAULT = "$ANSIBLE_VAULT"
MODE = 0o600
# Files that ansible-galaxy writes into every collection that it installs.
INSTALLED = ("MANIFEST.json", "FILES.json")


def installed_collection(path: str) -> str | None:
    """Return the folder of the installed collection that contains a path, or None."""
    folder = os.path.dirname(path)
    while folder != os.path.dirname(folder):
        if all(os.path.isfile(os.path.join(folder, name)) for name in INSTALLED):
            return folder
        folder = os.path.dirname(folder)
    return None


def read(path: str) -> str:
    """Return the text of a file, "" if it does not exist. Raises HostError."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise HostError(f"{path} cannot be read: {error}") from error


def load(text: str) -> Any:
    """Parse YAML. A value with one of Ansible's tags, such as `!vault`, is None. Raises yaml.YAMLError."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda *_arguments: None)
    return yaml.load(text, Loader)


def parse(path: str, text: str) -> dict[str, Any]:
    """Return the variables in the text of a file. Raises HostError without any content of the file."""
    try:
        found = load(text) or {}
    except yaml.YAMLError as error:
        raise HostError(f"{path} is not valid YAML. Fix it by hand; nothing was changed.") from error
    if not isinstance(found, dict):
        raise HostError(f"{path} contains no variables. Fix it by hand; nothing was changed.")
    return found


def verified(path: str, result: str, expected: dict[str, Any], names: Iterable[str]) -> str:
    """Return the new text of the file. Raises HostError, with the names that would change, if it has other variables than expected."""
    try:
        if load(result) == expected:
            return result
    except yaml.YAMLError:
        pass
    raise HostError(
        f"{path}: it cannot be changed, because its variables are not single lines at the left margin of one document. "
        f"Fix it by hand, or move it away and add its variables again; nothing was changed. To change: {', '.join(names)}."
    )
