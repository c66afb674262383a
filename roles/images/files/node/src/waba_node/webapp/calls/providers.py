"""Media providers: the credentials for media behind links (docs/reference/vendor-contract.md#settings).

GET returns the credentials, as documented by the vendor, to administrators only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from ...store.documents import PROVIDERS
from .. import documents
from ..errors import ApiError
from ..schema.settings import Provider, Providers
from .table import ADMIN, Call, CallTable, JsonBody, Result

if TYPE_CHECKING:
    from ..process import Webapp

PATH = "/v1/settings/application/media/providers"


async def read_providers(webapp: Webapp, _request: web.Request) -> Result:
    """GET /v1/settings/application/media/providers: all media providers with their credentials."""
    providers = list((await documents.read(webapp, PROVIDERS)).values())
    return 200, {"settings": {"application": {"media": {"providers": providers}}}}


async def add_providers(webapp: Webapp, _request: web.Request, body: list[Provider]) -> Result:
    """POST /v1/settings/application/media/providers: add media providers, or replace those with the same name."""
    await documents.update(webapp, PROVIDERS, {provider.name: msgspec.to_builtins(provider) for provider in body})
    return 200, {}


async def delete_provider(webapp: Webapp, request: web.Request) -> Result:
    """DELETE /v1/settings/application/media/providers/{name}: delete a media provider and its credentials."""
    name = request.match_info["name"]
    if name not in await documents.read(webapp, PROVIDERS):
        raise ApiError(1006, "no media provider has this name")
    await documents.remove_field(webapp, PROVIDERS, name)
    return 200, {}


CALLS: CallTable = [
    Call("GET", PATH, ADMIN, read_providers, answers={200: Providers}),
    Call("POST", PATH, ADMIN, add_providers, JsonBody(list[Provider])),
    Call("DELETE", f"{PATH}/{{name}}", ADMIN, delete_provider),
]
