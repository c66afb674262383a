"""What the HTTP library says of requests, cut to what an operator can use."""

from __future__ import annotations

import logging


def one_line(record: logging.LogRecord) -> bool:
    """Cut what aiohttp says of a request that is no HTTP: no traceback, and none of its bytes, which may hold a token."""
    if record.exc_info and record.exc_info[0]:
        record.msg, record.args = "refused a request: %s", (record.exc_info[0].__name__,)
        record.exc_info = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True
