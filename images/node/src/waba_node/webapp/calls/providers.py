"""Media providers: with which credentials media behind a link are fetched (vendor facts, section 2.8).

The credentials are read back by GET alone, as documented, and by admins alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from ...store.documents import PROVIDERS
from ..answers import Providers
from ..errors import ApiError
from ..requests import Provider
from . import documents
from .table import ADMIN, Call, CallTable, JsonBody

if TYPE_CHECKING:
    from ..process import Webapp

PATH = "/v1/settings/application/media/providers"


async def read_providers(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """GET /v1/settings/application/media/providers: all media providers, credentials included."""
    providers = list((await documents.kept(webapp, PROVIDERS)).values())
    return 200, {"settings": {"application": {"media": {"providers": providers}}}}


async def add_providers(webapp: Webapp, _request: web.Request, body: list[Provider]) -> tuple[int, dict]:
    """POST /v1/settings/application/media/providers: the media providers that are named are added or replaced, the others stay."""
    await documents.add(webapp, PROVIDERS, {provider.name: msgspec.to_builtins(provider) for provider in body})
    return 200, {}


async def delete_provider(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """DELETE /v1/settings/application/media/providers/{name}: the provider and its credentials are forgotten."""
    name = request.match_info["name"]
    if name not in await documents.kept(webapp, PROVIDERS):
        raise ApiError(1006, "there is no such media provider")
    await documents.remove(webapp, PROVIDERS, name)
    return 200, {}


CALLS: CallTable = [
    Call("GET", PATH, ADMIN, read_providers, answers={200: Providers}),
    Call("POST", PATH, ADMIN, add_providers, JsonBody(list[Provider])),
    Call("DELETE", f"{PATH}/{{name}}", ADMIN, delete_provider),
]
