"""A backup as one opaque text, readable with its password alone (ours: scrypt, then AES-256-GCM)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os

MAGIC = b"waba-backup-1\n"
SALT, NONCE = 16, 12  # bytes
COST = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 << 20}  # 32 MiB for a moment


class BackupError(Exception):
    """The backup cannot be opened; the message says why."""


def seal(content: dict, password: str) -> str:
    """Return a JSON object encrypted."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = os.urandom(SALT), os.urandom(NONCE)
    sealed = AESGCM(_key(password, salt)).encrypt(nonce, json.dumps(content).encode(), MAGIC)
    return base64.b64encode(MAGIC + salt + nonce + sealed).decode()


def opened(data: str, password: str) -> dict:
    """Return what was sealed. Raises BackupError when the data are no backup, were changed, or have another password."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BackupError("data is not a backup of this node") from error
    if not raw.startswith(MAGIC):
        raise BackupError("data is not a backup of this node")
    salt, nonce, sealed = _cut(raw[len(MAGIC) :], SALT, NONCE)
    try:
        return json.loads(AESGCM(_key(password, salt)).decrypt(nonce, sealed, MAGIC))
    except (InvalidTag, ValueError) as error:  # ValueError: cut short
        raise BackupError("the password is wrong, or data is damaged") from error


def _key(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, dklen=32, **COST)


def _cut(raw: bytes, first: int, second: int) -> tuple[bytes, bytes, bytes]:
    return raw[:first], raw[first : first + second], raw[first + second :]
