"""Who is calling: logins, tokens, the API key (source: vendor facts, sections 2.1 and 2.2)."""

from __future__ import annotations

import datetime
import hmac
import secrets
import time
import uuid
from typing import NamedTuple

import jwt
from aiohttp import BasicAuth, web

from ..passwords import hashed, matches, weakness
from ..store import documents, users
from ..store.engine import Database
from ..store.users import ADMIN, User
from .errors import ApiError

TOKEN_LIFE = 7 * 24 * 3600  # seconds
CACHE_LIFE = 1.0  # seconds: how long another webapp's logout may go unnoticed
CHANGED_MEANWHILE = "The password was changed by another request"
FIRST_USER, FIRST_PASSWORD = "admin", "secret"  # vendor facts


class Caller(NamedTuple):
    """Who sent a request."""

    username: str
    role: str


class Sessions:
    """Logins and tokens. Every webapp with the same key and database accepts the same tokens."""

    def __init__(self, database: Database, key: str) -> None:
        self.database, self.configured_key = database, key
        self.key = ""  # until prepared
        self.cache: dict[
            str, tuple[float, Caller]
        ] = {}  # by the Authorization header, so that a token is not read again either

    async def prepare(self) -> None:
        """Make sure that there is a first user and a key, before which nobody gets in. Raises sqlalchemy.exc.SQLAlchemyError."""
        first = User(FIRST_USER, await hashed(FIRST_PASSWORD), ADMIN, must_change=True)
        self.nobody = await hashed(secrets.token_hex())
        async with self.database.begin() as connection:
            if not await users.lock_admins(connection):  # a first admin that was deleted must not come back
                await users.add_user(connection, first)
            agreed = await documents.agreed_secret(connection, "jwt_key", secrets.token_urlsafe(48))
        self.key = self.configured_key or agreed

    async def login(self, request: web.Request, new_password: str | None) -> dict:
        """Return the answer to a login. Raises ApiError."""
        self._require_key()
        username, password = self._basic(request)
        async with self.database.begin() as connection:
            user = await users.read_user(connection, username)
        # An unknown user takes as long as a wrong password.
        if not await matches(password, user.password if user else self.nobody) or user is None:
            raise ApiError(1005, "Wrong username or password", 401)
        if user.must_change and new_password is None:
            raise ApiError(1024, "Password must be changed")
        if new_password is not None:
            if weak := weakness(new_password):
                raise ApiError(1009, weak)
            replacement = await hashed(new_password)
            async with self.database.begin() as connection:
                if not await users.change_password(connection, username, user.password, replacement):
                    raise ApiError(1005, CHANGED_MEANWHILE, 401)
            self.forget(username)
        return await self._token(username, user.password if new_password is None else replacement)

    async def _token(self, username: str, password: str) -> dict:
        """Begin a session. password: the hash that the login proved; a change of it ends sessions, this one too."""
        token_id, expires = str(uuid.uuid4()), int(time.time()) + TOKEN_LIFE
        async with self.database.begin() as connection:
            user = await users.read_user(connection, username, lock=True)
            if user is None or user.password != password:
                raise ApiError(1005, CHANGED_MEANWHILE, 401)
            await users.add_token(connection, token_id, username, TOKEN_LIFE)
        token = jwt.encode({"jti": token_id, "user": username, "exp": expires}, self.key, algorithm="HS256")
        moment = datetime.datetime.fromtimestamp(expires, datetime.timezone.utc)
        return {"token": token, "expires_after": moment.strftime("%Y-%m-%d %H:%M:%S+00:00")}

    async def caller(self, request: web.Request) -> Caller:
        """Return whose valid token came with a request. Raises ApiError with 401."""
        given = request.headers.get("Authorization", "")
        until, caller = self.cache.get(given, (0.0, None))
        if time.monotonic() >= until:
            asked_at, token_id = time.monotonic(), self._token_id(request)
            async with self.database.begin() as connection:
                found = await users.token_user(connection, token_id)
            if found is None:
                raise ApiError(1005, "The token is not valid any more", 401)
            caller = Caller(*found)
            if len(self.cache) > 1000:
                self.cache.clear()
            self.cache[given] = asked_at + CACHE_LIFE, caller
        return caller

    def forget(self, username: str) -> None:
        """Look at the database again for every session of a user: it was ended here."""
        self.cache = {given: entry for given, entry in self.cache.items() if entry[1].username != username}

    async def logout(self, request: web.Request) -> None:
        """End the caller's session, on every webapp."""
        token_id = self._token_id(request)
        self.cache.clear()  # the token may have been written in several ways
        async with self.database.begin() as connection:
            await users.remove_token(connection, token_id)

    def _require_key(self) -> None:
        if not self.key:
            raise ApiError(1011, "the webapp is still starting")

    def _token_id(self, request: web.Request) -> str:
        self._require_key()
        kind, token = _authorization(request)
        if kind != "bearer":
            raise ApiError(1005, "A bearer token is needed", 401)
        try:
            return jwt.decode(token, self.key, algorithms=["HS256"])["jti"]
        except (jwt.InvalidTokenError, KeyError, ValueError) as error:
            raise ApiError(1005, "The token is not valid", 401) from error

    @staticmethod
    def _basic(request: web.Request) -> tuple[str, str]:
        try:
            given = BasicAuth.decode(request.headers["Authorization"], encoding="utf-8")
        except (KeyError, ValueError) as error:
            raise ApiError(1005, "Basic authentication is needed", 401) from error
        return given.login, given.password


def has_api_key(request: web.Request, key: str) -> bool:
    """Return whether the caller gave the static key, in `Authorization: Apikey <key>`."""
    kind, given = _authorization(request)
    return bool(key) and kind == "apikey" and hmac.compare_digest(given.encode(), key.encode())


def _authorization(request: web.Request) -> tuple[str, str]:
    """Return the kind (in lower case) and the rest of the caller's Authorization header, "" for each that is not there."""
    kind, _separator, rest = request.headers.get("Authorization", "").partition(" ")
    return kind.lower(), rest.strip()
