"""Keys for ids that the cluster does not make itself: neither their length nor their characters are known."""

from __future__ import annotations

import hashlib
import re

LONGEST = 255  # characters of the column of an upstream's id
PLAIN = re.compile(r"[!-}][!-~]*", re.ASCII)  # a comparison ignores blanks at the end of a text
HASHED = "~"  # begins a hash, and no other key


def key_of(name: str, longest: int = LONGEST) -> str:
    """Return a key of at most `longest` characters: the id itself where a column holds and compares it exactly, a hash otherwise."""
    if len(name) <= longest and PLAIN.fullmatch(name):
        return name
    return HASHED + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[: longest - 1]
