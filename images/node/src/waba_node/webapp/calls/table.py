"""What a table of calls looks like: who may call, what is sent, what is answered. The server and the OpenAPI document both read it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_origin

from aiohttp import web

from ..answers import Done
from ..requests import converted, read_json

if TYPE_CHECKING:
    from ..process import Webapp

OPEN = "open"  # everybody
CREDENTIALS = "credentials"  # a username and a password, which the call itself checks
KEY = "key"  # the API key, or a token
USER = "user"  # a token
ADMIN = "admin"  # an admin's token


@dataclass(frozen=True)
class JsonBody:
    """A body in JSON. content: the type it must have. optional: nothing at all means {}.

    as_sent: the call gets what was sent and checks it itself, by the same type (a partial change needs to know what was left out).
    """

    content: Any
    optional: bool = False
    as_sent: bool = False

    async def read(self, request: web.Request) -> Any:
        """Return the request's body as its type. Raises ApiError."""
        sent = await read_json(request, list if get_origin(self.content) is list else dict, self.optional)
        return sent if self.as_sent else converted(sent, self.content)


@dataclass(frozen=True)
class RawBody:
    """Bytes of other types than JSON; the call reads or writes them itself."""

    media_types: tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """A parameter in the query string, always optional. values: all that it may be."""

    name: str
    values: tuple[str, ...]
    text: str


# Answers a call, with the body as a third argument where the call has one in JSON: HTTP status and the content of the envelope
# (None for an empty body), or a response of its own.
Answering = Callable[..., Awaitable["tuple[int, dict | None] | web.StreamResponse"]]
# What an answer can be: an Answer (see ../answers.py), raw bytes, or nothing.
AnswerBody = Any


@dataclass(frozen=True)
class Call:
    """One call. answers: HTTP status of success -> what comes with it, or a tuple of what may; refusals are alike for all calls."""

    method: str
    path: str
    who: str
    answer: Answering
    body: JsonBody | RawBody | None = None
    answers: Mapping[int, AnswerBody] = field(default_factory=lambda: {200: Done})
    query: tuple[Query, ...] = ()

    async def run(self, webapp: Webapp, request: web.Request) -> tuple[int, dict | None] | web.StreamResponse:
        """Read the body and answer. Raises ApiError."""
        bodies = [await self.body.read(request)] if isinstance(self.body, JsonBody) else []
        return await self.answer(webapp, request, *bodies)


CallTable = list[Call]
