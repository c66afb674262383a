# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets that nobody gave: which are missing, and how they are made."""

from __future__ import annotations

import secrets
import string

ALPHANUMERIC = string.ascii_letters + string.digits
# Specials that survive YAML, shells and environment files, and that the vendor's client can take.
SPECIALS = "-_.+"
SHORTEST = {"alphanumeric": 1, "admin_password": 8}  # characters, by kind; 8: the API's rule (vendor fact)
HEADER = (
    "# Secrets of this cluster, generated once. Keep this file: the database and the admin have these passwords.\n"
    "# It may be encrypted with ansible-vault.\n"
)


def wrong_requests(wanted):
    """Return what is wrong (list of str) with the secrets that are asked for: {name: {kind, length}}."""
    wrong = []
    for name, one in wanted.items():
        kind, length = (one.get("kind"), one.get("length")) if isinstance(one, dict) else (None, None)
        if kind not in SHORTEST:
            wrong.append(f"secrets.{name}.kind must be one of {', '.join(SHORTEST)}")
        elif not isinstance(length, int) or length < SHORTEST[kind]:
            wrong.append(f"secrets.{name}.length must be a number of at least {SHORTEST[kind]} characters")
    return wrong


def unusable(found, needed):
    """Return those names (list) of needed that found ({name: value}) has, though not as text or a number: they cannot be used."""
    return [
        name
        for name in needed
        if name in found
        and (not isinstance(found[name], (str, int, float)) or found[name] == "" or isinstance(found[name], bool))
    ]


def generate(kind, length):
    """Return a new secret (str) of a kind (one of SHORTEST) and length (int).

    An admin_password satisfies the API's rule: upper case, lower case, digit, special (vendor fact).
    """
    if kind == "alphanumeric":
        return "".join(secrets.choice(ALPHANUMERIC) for position in range(length))
    sets = [string.ascii_uppercase, string.ascii_lowercase, string.digits, SPECIALS]
    characters = [secrets.choice(one) for one in sets]
    characters += [secrets.choice(ALPHANUMERIC + SPECIALS) for position in range(length - len(sets))]
    secrets.SystemRandom().shuffle(characters)
    # A letter first: nothing then takes it for a YAML tag, a number or an option.
    first = next(position for position, character in enumerate(characters) if character in string.ascii_letters)
    characters[0], characters[first] = characters[first], characters[0]
    return "".join(characters)


def appended(text, new):
    """Return the text of a variables file with new secrets at its end; what is there stays as it is.

    text: str, "" for a file that does not exist. new: {name: secret}.
    """
    lines = "".join(f'{name}: "{secret}"\n' for name, secret in new.items())
    return (text if not text or text.endswith("\n") else text + "\n") + lines if text else f"---\n{HEADER}{lines}"
