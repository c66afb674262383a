"""The form of a call: `POST http://host:port/<method>` with a JSON object, answered with one; both are signed (trust.py)."""

from __future__ import annotations

from typing import Any

import msgspec

Payload = dict[str, Any]

SIGNATURE = "X-Waba-Signature"
LARGEST_BODY = 2 << 20  # bytes: the largest message of the API, and what accompanies it
ACCESS_DENIED, NOT_FOUND, INTERNAL_ERROR = 1005, 1006, 1014


class RpcError(Exception):
    """A call that was refused or did not arrive. code, title: from docs/reference/vendor-contract.md#errors-and-envelope."""

    def __init__(self, code: int, title: str, details: str = "") -> None:
        super().__init__(f"{code} {title}: {details}")
        self.code, self.title, self.details = code, title, details


def encode_refusal(error: RpcError) -> bytes:
    """Return the body of the answer to a refused call."""
    return msgspec.json.encode({"error": {"code": error.code, "title": error.title, "details": error.details}})
