"""What an API call may be refused with, in the vendor's envelope.

Codes and titles are vendor facts (section 2.13). The HTTP status of 1005 for a wrong registration code (403), of 1024 (401), 1025 and 1009 (400) are
observed by others; the remaining ones are ours: 503 for what a retry mends, 404 and 429 for what HTTP has a word for, else 400.
"""

from __future__ import annotations

ERRORS: dict[int, tuple[str, int]] = {
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
    1017: ("Not Primary Master", 503),
    1018: ("Not Primary Coreapp", 503),
    1023: ("Database error", 503),
    1024: ("Password change required", 401),
    1025: ("Request is not valid", 400),
    1028: ("Identity not acknowledged", 400),
}


class ApiError(Exception):
    """A call that is refused. code: a key of ERRORS. status: HTTP, where it differs from the table."""

    def __init__(self, code: int, details: str = "", status: int | None = None) -> None:
        self.code, self.details = code, details
        self.title, default = ERRORS[code]
        self.status = status or default
        super().__init__(f"{code} {self.title}: {details}")

    def as_dict(self) -> dict:
        """Return the entry for `errors`."""
        return {"code": self.code, "title": self.title, **({"details": self.details} if self.details else {})}
