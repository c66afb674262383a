"""The signature of a webhook of the Cloud API: HMAC-SHA256 over the raw bytes of the body, keyed with the app's secret.

While the secret is exchanged, two are valid
(https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence

HEADER = "X-Hub-Signature-256"
FORMAT = re.compile(r"sha256=([0-9a-fA-F]{64})", re.ASCII)


class Signature:
    """Hashes a body while it is received, and compares the result with the signature that the sender claims."""

    def __init__(self, claimed: bytes, secrets: Sequence[str]) -> None:
        """claimed: see `claimed_digest`."""
        self.claimed = claimed
        self.hashes = [hmac.new(secret.encode(), digestmod="sha256") for secret in secrets]

    def update(self, chunk: bytes) -> None:
        """Hash the next bytes of the body."""
        for each in self.hashes:
            each.update(chunk)

    def matches(self) -> bool:
        """Return whether one of the secrets signed the body. The time that this takes does not depend on the signature."""
        matches = [hmac.compare_digest(each.digest(), self.claimed) for each in self.hashes]
        return any(matches)


def claimed_digest(header: str) -> bytes | None:
    """Return the digest in the signature's header, None if it is not one."""
    match = FORMAT.fullmatch(header)
    return bytes.fromhex(match[1]) if match else None


def sign(body: bytes, secret: str) -> str:
    """Return the signature's header of a body."""
    return f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}"
