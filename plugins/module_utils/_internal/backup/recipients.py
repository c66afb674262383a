# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Public keys that backups are encrypted to: recipients of age (https://age-encryption.org/v1). Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

SETTING = "waba_backup_recipients"
PUBLIC, PRIVATE = "age1", "AGE-SECRET-KEY-"
LENGTH = 62  # characters of a public key
ENCRYPTED = b"age-encryption.org/v1\n"  # the first line of an encrypted file
# Bech32: https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki
ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def problems(recipients: Iterable[str]) -> list[Problem]:
    """Return the problems with a list of public keys. A private key is never repeated."""
    recipients = list(recipients)
    fix = "Make a key pair with age-keygen, and set the public key, which begins with age1"
    if not recipients:
        return [Problem(SETTING, [], "scheduled backups are encrypted, and there is no public key", fix)]
    found = []
    for index, recipient in enumerate(recipients):
        if recipient.upper().lstrip().startswith(PRIVATE):
            problem = "it is a private key, which must not be on a host"
            other = "Set the public key that age-keygen -y prints; make a new pair if the private key was published"
            found.append(Problem(f"{SETTING}[{index}]", "(redacted)", problem, other))
        elif not is_public_key(recipient):
            found.append(Problem(f"{SETTING}[{index}]", recipient, "it is not a public key of age", fix))
    return found


def is_public_key(text: str) -> bool:
    """Return whether a text is a public key of age, with a correct checksum."""
    if len(text) != LENGTH or not text.startswith(PUBLIC) or not set(text[len(PUBLIC) :]) <= set(ALPHABET):
        return False
    prefix = PUBLIC[:-1]
    values = [ord(one) >> 5 for one in prefix] + [0] + [ord(one) & 31 for one in prefix]
    return _checksum(values + [ALPHABET.index(one) for one in text[len(PUBLIC) :]]) == 1


def _checksum(values: Iterable[int]) -> int:
    found = 1
    for value in values:
        top = found >> 25
        found = (found & 0x1FFFFFF) << 5 ^ value
        for index, generator in enumerate(GENERATOR):
            found ^= generator if top >> index & 1 else 0
    return found
