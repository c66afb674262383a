"""Sessions of the API's users (vendor facts, section 2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from ..requests import Login, converted, read_object
from .table import OPEN, USER, CallTable

if TYPE_CHECKING:
    from ...webapp import Webapp


async def login(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """POST /v1/users/login."""
    body = converted(await read_object(request, empty=True), Login)
    return 200, {"users": [await webapp.sessions.login(request, body.new_password)]}


async def logout(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """POST /v1/users/logout."""
    await webapp.sessions.logout(request)
    return 200, {}


CALLS: CallTable = [
    ("POST", "/v1/users/login", OPEN, login),
    ("POST", "/v1/users/logout", USER, logout),
]
