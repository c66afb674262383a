"""The API's users and their sessions (vendor facts, section 2.2).

Ours, where the facts say nothing: a user may read itself and change its own password; roles are given and changed by admins; whose
password or role changes, or who is deleted, is logged out everywhere; the last admin stays one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web
from msgspec import UNSET

from ...passwords import hashed, weakness
from ...store import users
from ...store.users import ADMIN as ROLE_ADMIN
from ...store.users import User
from ..answers import LoggedIn, Users
from ..errors import ApiError
from ..requests import ChangedUser, Login, NewUser
from .table import ADMIN, CREDENTIALS, USER, Call, CallTable, JsonBody

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ..process import Webapp


async def login(webapp: Webapp, request: web.Request, body: Login) -> tuple[int, dict]:
    """POST /v1/users/login: a token for seven days, for a username and a password; the first login sets a new password."""
    return 200, {"users": [await webapp.sessions.login(request, body.new_password)]}


async def logout(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """POST /v1/users/logout: the token ends, on every webapp."""
    await webapp.sessions.logout(request)
    return 200, {}


async def create_user(webapp: Webapp, _request: web.Request, body: NewUser) -> tuple[int, dict]:
    """POST /v1/users: a new user, who can log in at once."""
    password = await new_hash(body.password)
    async with webapp.database.begin() as connection:
        if not await users.add_user(connection, User(body.username, password, body.ROLES, must_change=False)):
            raise ApiError(1014, "Unable to create user. Already exist?", 400)
    return 201, shown(body.username, body.ROLES)


async def read_user(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """GET /v1/users/{name}: a user's name and role; users who are no admins see themselves alone."""
    name = own_or_any(request)
    async with webapp.database.begin() as connection:
        user = await existing(connection, name)
    return 200, shown(user.username, user.role)


async def change_user(webapp: Webapp, request: web.Request, body: ChangedUser) -> tuple[int, dict]:
    """PUT /v1/users/{name}: another password, by an admin or the user; another role, by an admin. It ends the user's sessions."""
    name = own_or_any(request)
    if body.password is UNSET and body.ROLES is UNSET:
        raise ApiError(1008, "password or ROLES is needed")
    if body.ROLES is not UNSET and request["caller"].role != ROLE_ADMIN:
        raise ApiError(1005, "only an admin may change a role")
    password = None if body.password is UNSET else await new_hash(body.password)
    async with webapp.database.begin() as connection:
        admins = await users.lock_admins(connection)
        user = await existing(connection, name)
        if body.ROLES not in (UNSET, ROLE_ADMIN) and admins == {name}:
            raise ApiError(1005, "the last admin must stay one")
        if password is not None:
            await users.set_password(connection, name, password)
        if body.ROLES is not UNSET:
            await users.set_role(connection, name, body.ROLES)
    webapp.sessions.forget(name)
    return 200, shown(name, user.role if body.ROLES is UNSET else body.ROLES)


async def delete_user(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """DELETE /v1/users/{name}: the user and the user's sessions are gone; the last admin cannot be deleted."""
    name = request.match_info["name"]
    async with webapp.database.begin() as connection:
        admins = await users.lock_admins(connection)
        user = await existing(connection, name)
        if admins == {name}:
            raise ApiError(1005, "the last admin cannot be deleted")
        await users.remove_user(connection, name)
    webapp.sessions.forget(name)
    return 200, shown(name, user.role)


def own_or_any(request: web.Request) -> str:
    """Return the name in the path. Raises ApiError unless it is the caller's own or the caller is an admin."""
    name, caller = request.match_info["name"], request["caller"]
    if name != caller.username and caller.role != ROLE_ADMIN:
        raise ApiError(1005, "only an admin may see or change another user")
    return name


async def new_hash(password: str) -> str:
    """Return the hash of a new password. Raises ApiError when it is weak."""
    if weak := weakness(password):
        raise ApiError(1009, weak)
    return await hashed(password)


async def existing(connection: AsyncConnection, name: str) -> User:
    """Return a user. Raises ApiError when there is none."""
    user = await users.read_user(connection, name)
    if user is None:
        raise ApiError(1006, "there is no such user")
    return user


def shown(name: str, role: str) -> dict:
    """Return what an answer says of a user."""
    return {"users": [{"username": name, "ROLES": role}]}


CALLS: CallTable = [
    Call("POST", "/v1/users/login", CREDENTIALS, login, JsonBody(Login, optional=True), {200: LoggedIn}),
    Call("POST", "/v1/users/logout", USER, logout),
    Call("POST", "/v1/users", ADMIN, create_user, JsonBody(NewUser), {201: Users}),
    Call("GET", "/v1/users/{name}", USER, read_user, answers={200: Users}),
    Call("PUT", "/v1/users/{name}", USER, change_user, JsonBody(ChangedUser), {200: Users}),
    Call("DELETE", "/v1/users/{name}", ADMIN, delete_user, answers={200: Users}),
]
