# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Generates the secrets that a user did not set."""

from __future__ import annotations

import json
import re
import secrets
import string
from collections.abc import Iterable, Mapping
from typing import Any

VARIABLE = re.compile(r"([A-Za-z_]\w*)[ \t]*:")
ALPHANUMERIC = string.ascii_letters + string.digits
# Special characters that need no quoting in YAML, shells and environment files, and that the vendor's client accepts.
SPECIALS = "-_.+"
# Characters, by kind. docs/reference/vendor-contract.md#users-and-login
SHORTEST = {"alphanumeric": 1, "admin_password": 8}
HEADER = (
    "# Secrets of this cluster, generated once. Do not delete this file: the database and the API use these passwords.\n"
    "# It may be encrypted with ansible-vault.\n"
)


def request_problems(wanted: Mapping[str, Any]) -> list[str]:
    """Return the problems with requested secrets, {name: {"kind", "length"}}."""
    problems = []
    for name, one in wanted.items():
        kind, length = (one.get("kind"), one.get("length")) if isinstance(one, dict) else (None, None)
        if kind not in SHORTEST:
            problems.append(f"secrets.{name}.kind must be one of {', '.join(SHORTEST)}")
        elif not isinstance(length, int) or length < SHORTEST[kind]:
            problems.append(f"secrets.{name}.length must be a number of at least {SHORTEST[kind]} characters")
    return problems


def without_usable_value(found: Mapping[str, Any], needed: Iterable[str]) -> list[str]:
    """Return the needed names that found ({name: value}) contains with a value that is neither text nor a number."""
    return [
        name
        for name in needed
        if name in found
        and (not isinstance(found[name], (str, int, float)) or found[name] == "" or isinstance(found[name], bool))
    ]


def generate(kind: str, length: int) -> str:
    """Return a new secret of a kind in SHORTEST.

    An admin_password has an upper-case letter, a lower-case letter, a digit and a special character, as the API requires.
    """
    if kind == "alphanumeric":
        return "".join(secrets.choice(ALPHANUMERIC) for position in range(length))
    sets = [string.ascii_uppercase, string.ascii_lowercase, string.digits, SPECIALS]
    characters = [secrets.choice(one) for one in sets]
    characters += [secrets.choice(ALPHANUMERIC + SPECIALS) for position in range(length - len(sets))]
    secrets.SystemRandom().shuffle(characters)
    # Begin with a letter, so that the text is never read as a YAML tag, a number or a command-line option.
    first = next(position for position, character in enumerate(characters) if character in string.ascii_letters)
    characters[0], characters[first] = characters[first], characters[0]
    return "".join(characters)


def appended(text: str, new: Mapping[str, str]) -> str:
    """Return the text of a variables file with new secrets at its end. text: "" for a file that does not exist."""
    lines = "".join(f"{name}: {json.dumps(secret, ensure_ascii=False)}\n" for name, secret in new.items())
    return (text if not text or text.endswith("\n") else text + "\n") + lines if text else f"---\n{HEADER}{lines}"


def edited(text: str, changes: Mapping[str, str | None]) -> str:
    """Return the text of a variables file with changed variables, {name: value, or None to remove it}. Other lines stay as they are.

    Values of several lines are not recognized: the caller compares the variables of the result with the expected ones.
    """
    lines, missing = [], dict(changes)
    for line in text.splitlines(keepends=True):
        match = VARIABLE.match(line)
        if match is None or match[1] not in changes:
            lines.append(line)
        elif (value := missing.pop(match[1], None)) is not None:
            lines.append(f"{match[1]}: {json.dumps(value, ensure_ascii=False)}\n")
    return appended("".join(lines), {name: value for name, value in missing.items() if value is not None})
