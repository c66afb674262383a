"""Types and checks that the kinds of messages share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta, Struct

from ..errors import ApiError
from ..schema.common import END

Link = Annotated[str, Meta(pattern=rf"^https?://[^\s/]+\S*{END}", max_length=2048)]


def length(longest: int, shortest: int = 1) -> Meta:
    """Return the bounds of a text, in characters."""
    return Meta(min_length=shortest, max_length=longest)


class Part(Struct, omit_defaults=True):
    """A part of a message. Fields with their default value are not passed on."""


class Language(Part):
    """The language of a template. policy: the language for a client without this one; `deterministic` is the template's own."""

    code: Annotated[str, length(16)]
    policy: Literal["deterministic", "fallback"] | None = None


def require(where: str, **values: object) -> None:
    """Raise ApiError 1008 for the first value that is None."""
    for name, value in values.items():
        if value is None:
            raise ApiError(1008, f"{where}.{name} is missing")


def forbid(where: str, kind: str, **values: object) -> None:
    """Raise ApiError 1010 for the first value that is not None. kind: the kind of message, for the error text."""
    for name, value in values.items():
        if value is not None:
            raise ApiError(1010, f"{where}.{name} is not allowed in {kind}")


def require_at_most(where: str, count: int, most: int) -> None:
    """Raise ApiError 1001 if there are too many entries."""
    if count > most:
        raise ApiError(1001, f"{where} has {count} entries, at most {most} are allowed")


def require_unique(where: str, values: Iterable[str]) -> None:
    """Raise ApiError 1009 for a repeated value."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ApiError(1009, f"{where} must be unique, {value[:40]!r} is repeated")
        seen.add(value)
