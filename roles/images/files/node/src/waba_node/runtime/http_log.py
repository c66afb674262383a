"""Shortens the HTTP library's log records to what an operator can use."""

from __future__ import annotations

import logging


def one_line(record: logging.LogRecord) -> bool:
    """Shorten aiohttp's record of a malformed request: no traceback, and none of its bytes, which may contain a token."""
    if record.exc_info and record.exc_info[0]:
        record.msg, record.args = "refused a request: %s", (record.exc_info[0].__name__,)
        record.exc_info = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True
