"""Users and sessions (docs/reference/vendor-contract.md#users-and-login)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from .common import END, Answer

Role = Literal["ROLE_ADMIN", "ROLE_USER"]


class Login(Struct):
    """The body of POST /v1/users/login, which is optional."""

    new_password: str | None = None


class NewUser(Struct):
    """The body of POST /v1/users. The characters allowed in a name and the field `ROLES` are our decision."""

    username: Annotated[str, Meta(pattern=rf"^[A-Za-z0-9._@+-]{{4,32}}{END}")]
    password: str
    ROLES: Role = "ROLE_USER"


class ChangedUser(Struct):
    """The body of PUT /v1/users/{name}. The field `ROLES` is our decision."""

    password: str | UnsetType = UNSET
    ROLES: Role | UnsetType = UNSET


class Session(Struct, forbid_unknown_fields=True):
    """A session: its token and when it expires."""

    token: str
    expires_after: str


class LoggedIn(Answer):
    """The answer to a login."""

    users: list[Session]


class User(Struct, forbid_unknown_fields=True):
    """A user. `ROLES` holds the user's single role."""

    username: str
    ROLES: Role


class Users(Answer):
    """The user that the call concerns."""

    users: list[User]
