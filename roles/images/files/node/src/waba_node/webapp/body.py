"""Reading request bodies: bytes, then JSON, then the type of the request.

Three rules apply to every JSON body, because many clients need them (docs/reference/vendor-contract.md#known-client-behaviour). A field that
is `null` counts as absent. A number or boolean may be sent as text (and a boolean as 0 or 1), and a text as a number. Unknown fields are
ignored, with a warning in `meta`.
"""

from __future__ import annotations

import json
import sys
from typing import Any, NoReturn, TypeVar

import msgspec
from aiohttp import web

from .errors import ApiError

LARGEST_BODY = 1 << 20  # bytes

Request = TypeVar("Request")
Json = TypeVar("Json", dict[str, Any], list[Any])


async def read_body(request: web.Request) -> bytes:
    """Return the request's body. Raises ApiError 1025 if it is too large or incomplete."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise ApiError(1025, f"the body is larger than {LARGEST_BODY} bytes", 413) from error
    except (web.RequestPayloadError, OSError) as error:
        raise ApiError(1025, "the body is incomplete or not encoded as announced") from error


async def read_json(request: web.Request, kind: type[Json], *, optional: bool = False) -> Json:
    """Return the request's JSON object or list, as `parse_json` does. Raises ApiError 1025."""
    return parse_json(await read_body(request), kind, optional=optional)


def parse_json(raw: bytes, kind: type[Json], *, optional: bool = False) -> Json:
    """Return a JSON object or list without the fields that are null. Raises ApiError: 1009 for an integer out of range, 1025 for anything else.

    optional: an empty body, or null, counts as an empty object or list. A byte order mark, which some clients send, is skipped.
    """
    if optional and not raw.strip():
        return kind()
    try:
        content = json.loads(
            raw.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_int=_integer, object_hook=_without_nulls
        )
        if b"\\u" in raw:  # an escape can produce a lone surrogate, which cannot be stored
            json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ApiError(1025, "the body is not valid JSON in UTF-8") from error
    if optional and content is None:
        return kind()
    if not isinstance(content, kind):
        raise ApiError(1025, f"the body is not a JSON {'object' if kind is dict else 'list'}")
    return content


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(f"{name} is not JSON")


def _integer(text: str) -> int:
    """Return an integer. Raises ApiError 1009 for one that no floating-point number can hold: msgspec would go on, and fail with a SystemError."""
    number = int(text)
    if abs(number) > sys.float_info.max:
        raise ApiError(1009, "a number is out of range")
    return number


def _without_nulls(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if value is not None}


def convert(content: dict[str, Any] | list[Any], request_type: type[Request], *, strict: bool = False) -> Request:
    """Return JSON content as its type. Raises ApiError: 1008 for a missing field, 1001 for a value that is too long, otherwise 1009.

    strict: refuse numbers and booleans as text.
    """
    try:
        return msgspec.convert(content, request_type, strict=strict)
    except msgspec.ValidationError as error:
        text = str(error)
        code = 1008 if "missing required field" in text else 1001 if "of length <=" in text else 1009
        raise ApiError(code, text) from error
