"""What a table of calls looks like, and who may call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from ...webapp import Webapp

# Answers a call: HTTP status and the content of the envelope, None for an empty body.
Call = Callable[["Webapp", web.Request], Awaitable[tuple[int, dict | None]]]

OPEN = "open"  # everybody
KEY = "key"  # the API key, or a token
USER = "user"  # a token
ADMIN = "admin"  # an admin's token

CallTable = list[tuple[str, str, str, Call]]  # method, path, who may call, what answers
