"""The call table: access, request and answers of each call. The server and the OpenAPI document are both generated from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_origin

from aiohttp import web

from ...lenient_json import fit, ignored
from ..body import convert, read_json
from ..schema.common import Done

if TYPE_CHECKING:
    from ..process import Webapp

OPEN = "open"  # no credentials
CREDENTIALS = "credentials"  # user name and password, checked by the call itself
KEY = "key"  # the API key or a token
USER = "user"  # a token
ADMIN = "admin"  # the token of an administrator


@dataclass(frozen=True)
class JsonBody:
    """A JSON body. content: its type. optional: an empty body counts as {}.

    raw: the call gets the JSON as sent and validates it itself; a partial change must know which fields were omitted.
    """

    content: Any
    optional: bool = False
    raw: bool = False

    async def read(self, request: web.Request) -> Any:
        """Return the request's body as its type. Raises ApiError."""
        content: dict[str, Any] | list[Any]
        if get_origin(self.content) is list:
            content = await read_json(request, list, optional=self.optional)
        else:
            content = await read_json(request, dict, optional=self.optional)
        if self.raw:
            return content
        fitted = fit(content, self.content)
        request["warnings"] = ignored(fitted.unknown)
        return convert(fitted.content, self.content)


@dataclass(frozen=True)
class RawBody:
    """A body other than JSON. The call reads or writes it itself."""

    media_types: tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """An optional parameter in the query string. values: the allowed values."""

    name: str
    values: tuple[str, ...]
    text: str


# HTTP status and content of the envelope (None for an empty body), or a complete response.
Result = tuple[int, dict[str, Any] | None] | web.StreamResponse
# Answers a call. A JSON body is passed as a third argument.
Answering = Callable[..., Awaitable[Result]]
# A type from `schema`, a RawBody, None for an empty body, or a tuple of alternatives.
AnswerBody = Any


@dataclass(frozen=True)
class Call:
    """One call. answers: HTTP status of success -> answer. Refusals are the same for all calls."""

    method: str
    path: str
    access: str
    answer: Answering
    body: JsonBody | RawBody | None = None
    answers: Mapping[int, AnswerBody] = field(default_factory=lambda: {200: Done})
    query: tuple[Query, ...] = ()

    async def run(self, webapp: Webapp, request: web.Request) -> Result:
        """Read the body and answer. Raises ApiError."""
        bodies = [await self.body.read(request)] if isinstance(self.body, JsonBody) else []
        return await self.answer(webapp, request, *bodies)


CallTable = list[Call]
