"""What the kinds of messages share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta, Struct

from ..errors import ApiError
from ..requests import END


def text_type(longest: int, shortest: int = 1) -> type[str]:
    """Return the type of a text of so many characters."""
    return Annotated[str, Meta(min_length=shortest, max_length=longest)]


Link = Annotated[str, Meta(pattern=rf"^https?://[^\s/]+\S*{END}", max_length=2048)]


class Part(Struct, omit_defaults=True):
    """A part of a message; what is not given is not passed on."""


class Language(Part):
    """The language of a template. policy: what a client that lacks it shows; `deterministic`, the template's, when absent (vendor fact)."""

    code: text_type(16)
    policy: Literal["deterministic", "fallback"] | None = None


def needed(where: str, **values: object) -> None:
    """Raise ApiError 1008 for the first value that is None."""
    for name, value in values.items():
        if value is None:
            raise ApiError(1008, f"{where}.{name} is missing")


def not_wanted(where: str, why: str, **values: object) -> None:
    """Raise ApiError 1010 for the first value that is not None."""
    for name, value in values.items():
        if value is not None:
            raise ApiError(1010, f"{where}.{name} does not belong into {why}")


def at_most(where: str, count: int, longest: int) -> None:
    """Raise ApiError 1001 for too many."""
    if count > longest:
        raise ApiError(1001, f"{where} has {count} entries, at most {longest} are allowed")


def unique(where: str, values: Iterable[str]) -> None:
    """Raise ApiError 1009 for a value that comes twice."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ApiError(1009, f"{where} must be unique, {value[:40]!r} comes twice")
        seen.add(value)
