"""Ids of users in two columns: phone numbers fit into the first one; the id of a user without a phone number may need the second."""

from __future__ import annotations

import sqlalchemy as sa

from .keys import key_of

SHORT = 32  # characters of the first column
LONGEST = 135  # characters of the second column


def long_user(user: str | None) -> str | None:
    """Return the value of the second column: None for a user whose id fits into the first one."""
    return user if user is not None and len(user) > SHORT else None


def short_user(user: str) -> str:
    """Return the value of the first column."""
    return user[:SHORT]


def whole_user(long: sa.Column[str | None], short: sa.Column[str]) -> sa.ColumnElement[str]:
    """Return SQL for a user's id."""
    return sa.func.coalesce(long, short)


def user_key(user: str) -> str:
    """Return a key of at most 32 characters for a user: the id where it fits, a hash otherwise."""
    return key_of(user, SHORT)
