"""Reading request bodies: bytes, then JSON, then the type of the request."""

from __future__ import annotations

import json
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
    """Return the request's JSON object or list. Raises ApiError 1025 if the body is anything else.

    optional: an empty body counts as an empty object or list.
    """
    raw = await read_body(request)
    if optional and not raw.strip():
        return kind()
    try:
        content = json.loads(raw.decode("utf-8", "strict"), parse_constant=_refuse_constant)
        if b"\\u" in raw:  # an escape can produce a lone surrogate, which cannot be stored
            json.dumps(content, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise ApiError(1025, "the body is not valid JSON in UTF-8") from error
    if not isinstance(content, kind):
        raise ApiError(1025, f"the body is not a JSON {'object' if kind is dict else 'list'}")
    return content


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(f"{name} is not JSON")


def convert(content: dict[str, Any] | list[Any], request_type: type[Request]) -> Request:
    """Return a JSON body as its type. Raises ApiError: 1008 for a missing field, 1001 for a value that is too long, otherwise 1009."""
    try:
        return msgspec.convert(content, request_type)
    except msgspec.ValidationError as error:
        text = str(error)
        code = 1008 if "missing required field" in text else 1001 if "of length <=" in text else 1009
        raise ApiError(code, text) from error
    except OverflowError as error:
        raise ApiError(1009, "a number is out of range") from error
