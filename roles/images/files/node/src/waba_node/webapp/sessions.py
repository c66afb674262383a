"""Logins, tokens and the API key (docs/reference/vendor-contract.md#users-and-login)."""

from __future__ import annotations

import datetime
import hmac
import secrets
import time
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import jwt
from aiohttp import BasicAuth, web

from ..passwords import hashed, matches, weakness
from ..store import documents, users
from ..store.engine import Database
from ..store.users import ADMIN, User
from .errors import ApiError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

TOKEN_LIFE = 7 * 24 * 3600  # seconds
CACHE_LIFE = 1.0  # seconds until a logout at another webapp takes effect
MOST_CACHED = 1000  # sessions
CHANGED_MEANWHILE = "The password was changed by another request"
FIRST_USER, FIRST_PASSWORD = "admin", "secret"


class Caller(NamedTuple):
    """The user who sent a request."""

    username: str
    role: str


class Sessions:
    """Logins and tokens. All webapps with the same key and database accept the same tokens."""

    def __init__(self, database: Database, key: str, second_key: str = "") -> None:
        """key: signs and verifies tokens; "" for the one that the webapps agree on. second_key: only verifies tokens."""
        self.database, self.configured_key, self.second_key = database, key, second_key
        self.key = ""  # set by `prepare`
        self.dummy_hash = ""  # set by `prepare`
        self.cache: dict[
            str, tuple[float, Caller]
        ] = {}  # by Authorization header, so that a token is not decoded again

    async def prepare(self) -> None:
        """Create the first user and the key, without which no user can log in. Raises sqlalchemy.exc.SQLAlchemyError."""
        first = User(FIRST_USER, await hashed(FIRST_PASSWORD), ADMIN, must_change=True)
        self.dummy_hash = await hashed(secrets.token_hex())
        async with self.database.begin() as connection:
            if not await users.guard_admins(connection):  # a deleted first administrator is not created again
                await users.add_user(connection, first)
            agreed = await documents.agree_on_secret(connection, "jwt_key", secrets.token_urlsafe(48))
        self.key = self.configured_key or agreed

    async def login(self, request: web.Request, new_password: str | None) -> dict[str, str]:
        """Check the credentials of a login and return its token. Raises ApiError."""
        self._require_key()
        username, password = _basic_credentials(request)
        user = await self.database.run(lambda connection: users.read_user(connection, username))
        # An unknown user takes as long as a wrong password.
        if not await matches(password, user.password if user else self.dummy_hash) or user is None:
            raise ApiError(1005, "Wrong username or password", 401)
        if user.must_change and new_password is None:
            raise ApiError(1024, "Password must be changed")
        if new_password is None:
            return await self._create_session(username, user.password)
        if weak := weakness(new_password):
            raise ApiError(1009, weak)
        replacement = await hashed(new_password)
        former = user.password
        changed = await self.database.run(
            lambda connection: users.change_password(connection, username, former, replacement)
        )
        if not changed:
            raise ApiError(1005, CHANGED_MEANWHILE, 401)
        self.forget(username)
        return await self._create_session(username, replacement)

    async def _create_session(self, username: str, password: str) -> dict[str, str]:
        """Create a session. password: the hash that the login was checked against; if it has changed since, the login fails."""
        token_id, expires = str(uuid.uuid4()), int(time.time()) + TOKEN_LIFE

        async def write(connection: AsyncConnection) -> None:
            user = await users.read_user(connection, username, lock=True)
            if user is None or user.password != password:
                raise ApiError(1005, CHANGED_MEANWHILE, 401)
            await users.add_token(connection, token_id, username, TOKEN_LIFE)

        await self.database.run(write)
        token = jwt.encode({"jti": token_id, "user": username, "exp": expires}, self.key, algorithm="HS256")
        moment = datetime.datetime.fromtimestamp(expires, datetime.timezone.utc)
        return {"token": token, "expires_after": moment.strftime("%Y-%m-%d %H:%M:%S+00:00")}

    async def caller(self, request: web.Request) -> Caller:
        """Return the owner of a request's valid token. Raises ApiError with 401."""
        header = request.headers.get("Authorization", "")
        expires, cached = self.cache.get(header, (0.0, None))
        if cached is not None and time.monotonic() < expires:
            return cached
        asked_at, token_id = time.monotonic(), self._token_id(request)
        found = await self.database.run(lambda connection: users.find_token_user(connection, token_id))
        if found is None:
            raise ApiError(1005, "The token is not valid any more", 401)
        caller = Caller(*found)
        if len(self.cache) > MOST_CACHED:
            self.cache.clear()
        self.cache[header] = asked_at + CACHE_LIFE, caller
        return caller

    def forget(self, username: str) -> None:
        """Drop the cached sessions of a user, which were ended here."""
        self.cache = {header: entry for header, entry in self.cache.items() if entry[1].username != username}

    async def logout(self, request: web.Request) -> None:
        """End the caller's session on every webapp."""
        token_id = self._token_id(request)
        self.cache.clear()  # the same token can be cached under several spellings of the header
        await self.database.run(lambda connection: users.remove_token(connection, token_id))

    def _require_key(self) -> None:
        if not self.key:
            raise ApiError(1011, "the webapp is still starting")

    def _token_id(self, request: web.Request) -> str:
        self._require_key()
        scheme, token = _authorization(request)
        if scheme != "bearer":
            raise ApiError(1005, "A bearer token is needed", 401)
        try:
            return str(self._decoded(token)["jti"])
        except (jwt.InvalidTokenError, KeyError, ValueError) as error:
            raise ApiError(1005, "The token is not valid", 401) from error

    def _decoded(self, token: str) -> dict[str, Any]:
        """Return the content of a token. Raises jwt.InvalidTokenError, ValueError."""
        content: dict[str, Any]
        try:
            content = jwt.decode(token, self.key, algorithms=["HS256"])
        except jwt.InvalidSignatureError:
            if not self.second_key:
                raise
            content = jwt.decode(token, self.second_key, algorithms=["HS256"])
        return content


def has_api_key(request: web.Request, keys: Iterable[str]) -> bool:
    """Return whether a request carries one of the static keys, as `Authorization: Apikey <key>`. keys: "" is none."""
    scheme, given = _authorization(request)
    return scheme == "apikey" and any(key and hmac.compare_digest(given.encode(), key.encode()) for key in keys)


def _basic_credentials(request: web.Request) -> tuple[str, str]:
    try:
        given = BasicAuth.decode(request.headers["Authorization"], encoding="utf-8")
    except (KeyError, ValueError) as error:
        raise ApiError(1005, "Basic authentication is needed", 401) from error
    return given.login, given.password


def _authorization(request: web.Request) -> tuple[str, str]:
    """Return scheme (in lower case) and value of the Authorization header, "" for a missing part."""
    scheme, _separator, value = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower(), value.strip()
