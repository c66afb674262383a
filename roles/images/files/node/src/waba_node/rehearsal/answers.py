"""JSON responses of the stand-in."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web


def json_answer(status: int, content: Any) -> web.Response:
    """Return a response with a JSON document."""
    return web.Response(status=status, body=msgspec.json.encode(content), content_type="application/json")
