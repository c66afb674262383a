"""Sessions of the API's users (vendor facts, section 2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from ..answers import LoggedIn
from ..requests import Login
from .table import CREDENTIALS, USER, Call, CallTable, JsonBody

if TYPE_CHECKING:
    from ...webapp import Webapp


async def login(webapp: Webapp, request: web.Request, body: Login) -> tuple[int, dict]:
    """POST /v1/users/login: a token for seven days, for a username and a password; the first login sets a new password."""
    return 200, {"users": [await webapp.sessions.login(request, body.new_password)]}


async def logout(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """POST /v1/users/logout: the token ends, on every webapp."""
    await webapp.sessions.logout(request)
    return 200, {}


CALLS: CallTable = [
    Call("POST", "/v1/users/login", CREDENTIALS, login, JsonBody(Login, optional=True), {200: LoggedIn}),
    Call("POST", "/v1/users/logout", USER, logout),
]
