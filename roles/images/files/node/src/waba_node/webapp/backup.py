"""A backup as one opaque text that only its password opens: scrypt, then AES-256-GCM. The format is our decision."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from typing import Any

MAGIC = b"waba-backup-1\n"
SALT, NONCE = 16, 12  # bytes
COST = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 << 20}  # scrypt uses 32 MiB


class BackupError(Exception):
    """A backup that cannot be opened. The message states the reason."""


def seal(content: dict[str, Any], password: str) -> str:
    """Return a JSON object, encrypted with a password."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = os.urandom(SALT), os.urandom(NONCE)
    sealed = AESGCM(_key(password, salt)).encrypt(nonce, json.dumps(content).encode(), MAGIC)
    return base64.b64encode(MAGIC + salt + nonce + sealed).decode()


def unseal(data: str, password: str) -> Any:
    """Return the content of a backup. Raises BackupError if it is not a backup, was changed or has another password."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BackupError("data is not a backup of this node") from error
    if not raw.startswith(MAGIC):
        raise BackupError("data is not a backup of this node")
    salt, nonce, sealed = _split(raw[len(MAGIC) :])
    try:
        return json.loads(AESGCM(_key(password, salt)).decrypt(nonce, sealed, MAGIC))
    except (InvalidTag, ValueError) as error:  # ValueError: the text is too short
        raise BackupError("the password is wrong, or data is damaged") from error


def _key(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, dklen=32, **COST)


def _split(raw: bytes) -> tuple[bytes, bytes, bytes]:
    """Return salt, nonce and ciphertext."""
    return raw[:SALT], raw[SALT : SALT + NONCE], raw[SALT + NONCE :]
