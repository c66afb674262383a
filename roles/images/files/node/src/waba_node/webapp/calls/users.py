"""Users and sessions (docs/reference/vendor-contract.md#users-and-login).

Our decisions: a user may read their own entry and change their own password; administrators assign roles; a new password or role, or the
deletion of a user, ends the user's sessions; the last administrator remains one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web
from msgspec import UNSET

from ...passwords import hashed, weakness
from ...store import users
from ...store.users import ADMIN as ROLE_ADMIN
from ...store.users import User
from ..errors import ApiError
from ..schema.users import ChangedUser, LoggedIn, Login, NewUser, Users
from .table import ADMIN, CREDENTIALS, USER, Call, CallTable, JsonBody, Result

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ..process import Webapp


async def login(webapp: Webapp, request: web.Request, body: Login) -> Result:
    """POST /v1/users/login: a token for seven days, for a user name and a password. The first login must set a new password."""
    return 200, {"users": [await webapp.sessions.login(request, body.new_password)]}


async def logout(webapp: Webapp, request: web.Request) -> Result:
    """POST /v1/users/logout: end the session on every webapp."""
    await webapp.sessions.logout(request)
    return 200, {}


async def create_user(webapp: Webapp, _request: web.Request, body: NewUser) -> Result:
    """POST /v1/users: create a user, who can log in at once."""
    password = await _hash_new_password(body.password)
    user = User(body.username, password, body.ROLES, must_change=False)
    if not await webapp.database.run(lambda connection: users.add_user(connection, user)):
        raise ApiError(1014, "Unable to create user. Already exist?", 500)
    return 201, _user_answer(body.username, body.ROLES)


async def read_user(webapp: Webapp, request: web.Request) -> Result:
    """GET /v1/users/{name}: a user's name and role. Other users than administrators can read their own entry only."""
    name = _own_name_or_any(request)
    async with webapp.database.begin() as connection:
        user = await _find_user(connection, name)
    return 200, _user_answer(user.username, user.role)


async def change_user(webapp: Webapp, request: web.Request, body: ChangedUser) -> Result:
    """PUT /v1/users/{name}: change the password (administrators or the user) or the role (administrators). Ends the user's sessions."""
    name = _own_name_or_any(request)
    if body.password is UNSET and body.ROLES is UNSET:
        raise ApiError(1008, "password or ROLES is needed")
    if body.ROLES is not UNSET and request["caller"].role != ROLE_ADMIN:
        raise ApiError(1005, "only an administrator may change a role")
    password = None if body.password is UNSET else await _hash_new_password(body.password)
    async with webapp.database.begin() as connection:
        admins = await users.guard_admins(connection)
        user = await _find_user(connection, name)
        if body.ROLES not in (UNSET, ROLE_ADMIN) and admins == {name}:
            raise ApiError(1005, "the last administrator must remain one")
        if password is not None:
            await users.set_password(connection, name, password)
        if body.ROLES is not UNSET:
            await users.set_role(connection, name, body.ROLES)
    webapp.sessions.forget(name)
    return 200, _user_answer(name, user.role if body.ROLES is UNSET else body.ROLES)


async def delete_user(webapp: Webapp, request: web.Request) -> Result:
    """DELETE /v1/users/{name}: delete a user and end the user's sessions. The last administrator cannot be deleted."""
    name = request.match_info["name"]
    async with webapp.database.begin() as connection:
        admins = await users.guard_admins(connection)
        user = await _find_user(connection, name)
        if admins == {name}:
            raise ApiError(1005, "the last administrator cannot be deleted")
        await users.remove_user(connection, name)
    webapp.sessions.forget(name)
    return 200, _user_answer(name, user.role)


def _own_name_or_any(request: web.Request) -> str:
    """Return the name in the path. Raises ApiError 1005 unless it is the caller's own or the caller is an administrator."""
    name, caller = request.match_info["name"], request["caller"]
    if name != caller.username and caller.role != ROLE_ADMIN:
        raise ApiError(1005, "only an administrator may read or change another user")
    return name


async def _hash_new_password(password: str) -> str:
    """Return the hash of a new password. Raises ApiError 1009 if the password is weak."""
    if weak := weakness(password):
        raise ApiError(1009, weak)
    return await hashed(password)


async def _find_user(connection: AsyncConnection, name: str) -> User:
    """Return a user. Raises ApiError 1006 if the user does not exist."""
    user = await users.read_user(connection, name)
    if user is None:
        raise ApiError(1006, "this user does not exist")
    return user


def _user_answer(name: str, role: str) -> dict[str, Any]:
    return {"users": [{"username": name, "ROLES": role}]}


CALLS: CallTable = [
    Call("POST", "/v1/users/login", CREDENTIALS, login, JsonBody(Login, optional=True), {200: LoggedIn}),
    Call("POST", "/v1/users/logout", USER, logout),
    Call("POST", "/v1/users", ADMIN, create_user, JsonBody(NewUser), {201: Users}),
    Call("GET", "/v1/users/{name}", USER, read_user, answers={200: Users}),
    Call("PUT", "/v1/users/{name}", USER, change_user, JsonBody(ChangedUser), {200: Users}),
    Call("DELETE", "/v1/users/{name}", ADMIN, delete_user, answers={200: Users}),
]
