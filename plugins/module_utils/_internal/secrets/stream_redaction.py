# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Removes secrets from a stream of bytes, wherever it is split, with little memory."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.redaction import REDACTED

ESCAPED_IN_QUOTES = re.compile(r'[\\"$]')  # between double quotes, by shells and dotenv files


def encodings(secret: str) -> set[bytes]:
    """Return the encodings of a secret: plain, in JSON, YAML, Compose files, shells, URLs, and a login's base64."""
    texts = {secret, secret.replace("$", "$$"), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    texts |= {quote(secret), quote(secret, safe=""), quote_plus(secret), ESCAPED_IN_QUOTES.sub(r"\\\g<0>", secret)}
    return {text.encode("utf-8", "surrogateescape") for text in texts} | {
        base64.b64encode(secret.encode("utf-8", "surrogateescape")).rstrip(b"=")  # of "admin:SECRET", in a login
    }


class Redactor:
    """Replaces every encoding of the secrets, which are not empty, in a stream of bytes. Longer encodings have priority."""

    def __init__(self, secrets: Iterable[str]) -> None:
        patterns = sorted({one for secret in secrets for one in encodings(secret)}, key=lambda one: (-len(one), one))
        self._pattern = re.compile(b"|".join(map(re.escape, patterns)) if patterns else rb"(?!)")
        self._longest = len(patterns[0]) if patterns else 1
        self._pending = b""

    def feed(self, piece: bytes) -> bytes:
        """Return the bytes that are complete after this piece. The possible beginning of a secret remains pending."""
        return self._complete(self._pending + piece, at_end=False)

    def end(self) -> bytes:
        """Return the pending bytes at the end of the stream."""
        return self._complete(self._pending, at_end=True)

    def whole(self, text: str) -> str:
        """Return a whole text without the secrets."""
        return self._pattern.sub(REDACTED.encode(), text.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")

    def _complete(self, text: bytes, at_end: bool) -> bytes:
        # A secret that begins before this position is entirely in the text.
        limit = len(text) if at_end else len(text) - self._longest + 1
        parts, position = [], 0
        for match in self._pattern.finditer(text):
            if match.start() >= limit:
                break
            parts += [text[position : match.start()], REDACTED.encode()]
            position = match.end()
        end = max(position, limit)
        self._pending = text[end:]
        return b"".join([*parts, text[position:end]])
