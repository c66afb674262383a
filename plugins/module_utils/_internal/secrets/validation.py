# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validates secrets that a user sets. A problem never contains the value."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import dotenv
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

REDACTED = "(redacted)"
VENDOR_FORBIDS = "?{}&~!()^="  # docs/reference/vendor-contract.md#database-account
VENDOR_NAMES = ("coreapp", "web")  # last part of the names of the vendor's images, in any registry
API_KEY_LENGTHS = (12, 128)  # docs/reference/vendor-contract.md#container-environment
# Secrets that another party issues, so that the collection cannot generate them.
ISSUED = ("waba_cloud_token", "waba_cloud_app_secret", "waba_cloud_previous_app_secret", "waba_cloud_pin")
PENDING_PREFIXES = ("waba_next_", "waba_previous_")  # begin the variables of a rotation
NEXT_TOO = ("waba_", "waba_next_")  # the rules of a secret are those of its next value
NOT_IN_ENVIRONMENT = (
    "waba_admin_password",
    "waba_next_admin_password",
)  # every other secret is written to an environment file


def is_strong(password: str) -> bool:
    """Return whether the API accepts a password. docs/reference/vendor-contract.md#users-and-login"""
    kinds = (str.isupper, str.islower, str.isdigit, lambda character: character in string.punctuation)
    return 8 <= len(password) <= 64 and all(any(map(kind, password)) for kind in kinds)


def is_vendor_image(image: str) -> bool:
    """Return whether an image, named with or without a tag, is one of the vendor's clients."""
    return image.partition("@")[0].rsplit("/", 1)[-1].partition(":")[0] in VENDOR_NAMES


def secret_problems(secrets: Mapping[str, Any], images: Iterable[str]) -> list[Problem]:
    """Return the problems with secrets, {variable: value}. images: of the nodes."""
    problems, texts = [], {}
    for name, value in secrets.items():
        if not isinstance(value, str) or not value:
            problem = "it is empty" if value == "" else f"it has the type {type(value).__name__}, not text"
            fix = "Write text in quotes; or remove the variable" + (
                "" if name in ISSUED or name.startswith(PENDING_PREFIXES) else ", and a secret is generated"
            )
            problems.append(Problem(name, REDACTED, problem, fix))
            continue
        texts[name] = value
        reason = dotenv.unsupported(value)
        if reason and (name not in NOT_IN_ENVIRONMENT or reason == dotenv.CONTROL_CHARACTER[1]):
            problems.append(Problem(name, REDACTED, f"it {reason}", dotenv.FIX))
    vendor = any(map(is_vendor_image, images))
    for prefix in NEXT_TOO:
        problems += _rule_problems(texts, prefix, vendor)
    return problems


def _rule_problems(texts: Mapping[str, str], prefix: str, vendor: bool) -> list[Problem]:
    """Return the problems with the values of the variables that begin with a prefix. vendor: whether the images of the nodes are the vendor's."""
    problems = []
    name = f"{prefix}database_password"
    forbidden = [character for character in VENDOR_FORBIDS if character in texts.get(name, "")]
    if forbidden and vendor:
        problem = f"the vendor's client does not accept {' '.join(forbidden)} in it"
        problems.append(Problem(name, REDACTED, problem, f"Use a password without {' '.join(VENDOR_FORBIDS)}"))
    name = f"{prefix}admin_password"
    if not is_strong(texts.get(name, "Unset-00")):
        fix = "Use 8 to 64 characters, with an upper-case letter, a lower-case letter, a digit and a special character"
        problems.append(Problem(name, REDACTED, "it is too weak for the API", fix))
    name, (shortest, longest) = f"{prefix}api_key", API_KEY_LENGTHS
    length = len(texts.get(name, "x" * shortest))
    if not shortest <= length <= longest:
        fix = f"Use {shortest} to {longest} characters"
        problems.append(Problem(name, REDACTED, f"it has {length} characters", fix))
    return problems
