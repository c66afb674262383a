# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets taken out of text that comes in pieces, however it is cut, with no more of it in memory than a piece (rules: ours)."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

from ansible_collections.waba.cluster.plugins.module_utils.compose.dotenv import quoted
from ansible_collections.waba.cluster.plugins.module_utils.secrets.redaction import HIDDEN


def spellings(secret):
    """Return how a secret (str) may be written (set of bytes): as it is, in JSON, YAML, Compose and environment files, in addresses, in a login."""
    texts = {secret, secret.replace("$", "$$"), json.dumps(secret)[1:-1], repr(secret)[1:-1], quoted(secret)[1:-1]}
    texts |= {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    return {text.encode("utf-8", "surrogateescape") for text in texts} | {
        base64.b64encode(secret.encode("utf-8", "surrogateescape")).rstrip(
            b"="
        )  # as in "admin:SECRET", which a login sends
    }


class Redactor:
    """Replaces every spelling of the secrets (iterable of non-empty str), the longest that fits, in a stream of bytes."""

    def __init__(self, secrets):
        words = sorted({word for secret in secrets for word in spellings(secret)}, key=lambda word: (-len(word), word))
        self._pattern = re.compile(b"|".join(map(re.escape, words)) if words else rb"(?!)")
        self._longest = len(words[0]) if words else 1
        self._rest = b""

    def feed(self, piece):
        """Return what is settled (bytes) once this piece (bytes) has come; what may be the beginning of a secret waits."""
        return self._settled(self._rest + piece, last=False)

    def end(self):
        """Return what still waited (bytes)."""
        return self._settled(self._rest, last=True)

    def whole(self, text):
        """Return a whole text (str) without the secrets."""
        return self._pattern.sub(HIDDEN.encode(), text.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")

    def _settled(self, text, last):
        # A secret that begins before this place is in the text to its end.
        sure = len(text) if last else len(text) - self._longest + 1
        parts, position = [], 0
        for match in self._pattern.finditer(text):
            if match.start() >= sure:
                break
            parts += [text[position : match.start()], HIDDEN.encode()]
            position = match.end()
        end = max(position, sure)
        self._rest = text[end:]
        return b"".join([*parts, text[position:end]])
