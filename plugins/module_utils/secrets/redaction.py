# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which environment variables are secrets. Rule: ours, and it errs towards hiding."""

from __future__ import annotations

import re

from ansible_collections.waba.cluster.plugins.module_utils.contract import PLAIN_VARIABLES

SECRET_NAME = re.compile(r"PASS|PWD|SECRET|KEY|TOKEN|CREDENTIAL", re.IGNORECASE)
SHORTEST = 8  # characters; hiding every "1" of an ordinary variable would make any text unreadable
HIDDEN = "********"


def secret_values(environment):
    """Return the values (set of str) of an environment ({str: anything}) that must never be shown."""
    return {
        str(value)
        for name, value in environment.items()
        if name not in PLAIN_VARIABLES and str(value) and (SECRET_NAME.search(name) or len(str(value)) >= SHORTEST)
    }


def redacted(text, secrets):
    """Return text with every one of the secrets (iterable of non-empty str) replaced, the longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def without_secrets(environment):
    """Return an environment ({str: str}) in which every value is hidden but those that may be shown."""
    return {name: value if name in PLAIN_VARIABLES else HIDDEN for name, value in environment.items()}
