"""Passwords: the rule of docs/reference/vendor-contract.md#users-and-login, and one-way hashes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import string
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

COST = {"n": 2**14, "r": 8, "p": 1}  # of scrypt: 16 MiB during a login
HASHING = ThreadPoolExecutor(2, "password")  # many concurrent logins wait instead of taking all memory
Result = TypeVar("Result")
SPECIALS = set(string.punctuation)


def weakness(password: str) -> str | None:
    """Return the rule that a new password breaks, or None."""
    kinds = (str.isupper, str.islower, str.isdigit, SPECIALS.__contains__)
    if 8 <= len(password) <= 64 and all(any(map(kind, password)) for kind in kinds):
        return None
    return f"Password must have 8 to 64 characters, with an upper case letter, a lower case letter, a digit and one of {string.punctuation}"


async def hashed(password: str) -> str:
    """Return a salted one-way hash."""
    salt = os.urandom(16)
    return f"scrypt${_text(salt)}${_text(await _scrypt(password, salt))}"


async def matches(password: str, stored: str) -> bool:
    """Return whether a password is the hashed one. The time that this takes does not depend on how similar they are."""
    salt, expected = stored.split("$")[1:]
    return hmac.compare_digest(await _scrypt(password, base64.b64decode(salt)), base64.b64decode(expected))


async def _scrypt(password: str, salt: bytes) -> bytes:
    return await run_expensive(partial(hashlib.scrypt, password.encode(), salt=salt, **COST))


async def run_expensive(work: Callable[..., Result], *arguments: object) -> Result:
    """Return the result of a function that takes much time and memory, in a thread. At most two of them run at once."""
    return await asyncio.get_running_loop().run_in_executor(HASHING, work, *arguments)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
