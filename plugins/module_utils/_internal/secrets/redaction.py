# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recognizes and redacts secrets in environment variables. In case of doubt, a value is a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import PLAIN_VARIABLES

SECRET_NAME = re.compile(r"PASS|PWD|SECRET|KEY|TOKEN|CREDENTIAL|_PIN$", re.IGNORECASE)
SHORTEST = 8  # characters of a value without a secret's name; redacting every "1" would make a text unreadable
REDACTED = "********"


def secret_values(environment: Mapping[str, Any]) -> set[str]:
    """Return the values of an environment that must never be printed."""
    found = set()
    for name, value in environment.items():
        text = str(value)
        if name not in PLAIN_VARIABLES and text and (SECRET_NAME.search(name) or len(text) >= SHORTEST):
            found |= {text, *(part for part in text.split(",") if len(part) >= SHORTEST)}  # a list of secrets
    return found


def plain_values(environment: Mapping[str, Any]) -> set[str]:
    """Return the values of an environment that may be printed.

    Ansible redacts every value of a no_log dictionary throughout a result, even "db" and "1"; modules exempt these.
    """
    return {str(value) for value in environment.values()} - secret_values(environment)


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return text without the secrets, which are not empty. Longer secrets are replaced first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return text


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which every value is redacted, except those of PLAIN_VARIABLES."""
    return {name: value if name in PLAIN_VARIABLES else REDACTED for name, value in environment.items()}
