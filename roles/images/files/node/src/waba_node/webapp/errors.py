"""The errors of the API, in the vendor's envelope (docs/reference/vendor-contract.md#errors-and-envelope).

The vendor did not publish the HTTP status of each code. Public clients rely on 403 for a wrong registration code, 401 for 1024, 400 for 1009 and
1025, and 500 for a duplicate user. The other statuses are our decision: 503 if a retry can succeed, 404 and 429 as HTTP defines them, otherwise 400.
"""

from __future__ import annotations

from typing import Any

ERRORS: dict[int, tuple[str, int]] = {  # code -> title, HTTP status
    1000: ("Generic error", 500),
    1001: ("Parameter value is too long", 400),
    1002: ("Invalid recipient type", 400),
    1004: ("Resource already exists", 400),
    1005: ("Access denied", 403),
    1006: ("Resource not found", 404),
    1008: ("Required parameter is missing", 400),
    1009: ("Parameter value is not valid", 400),
    1010: ("Parameter is not required", 400),
    1011: ("Service not ready", 503),
    1014: ("Internal error", 503),
    1015: ("Too many requests", 429),
    1016: ("System overloaded", 503),
    1017: ("Not Primary Master", 503),
    1018: ("Not Primary Coreapp", 503),
    1023: ("Database error", 503),
    1024: ("Password change required", 401),
    1025: ("Request is not valid", 400),
    1028: ("Identity not acknowledged", 400),
    1031: ("Sender account locked", 403),
}


class ApiError(Exception):
    """A refused call. code: a key of ERRORS. status: the HTTP status, if it differs from the table."""

    def __init__(self, code: int, details: str = "", status: int | None = None) -> None:
        self.code, self.details = code, details
        self.title, default = ERRORS[code]
        self.status = status or default
        super().__init__(f"{code} {self.title}: {details}")

    def as_dict(self) -> dict[str, Any]:
        """Return the entry of `errors`."""
        return {"code": self.code, "title": self.title, **({"details": self.details} if self.details else {})}
