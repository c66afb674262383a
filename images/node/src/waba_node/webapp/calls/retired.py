"""What went with the vendor's service: groups and sticker packs. Their calls say so, in the envelope, instead of seeming never to have been
(paths: vendor facts, section 2.11, and Meta's reference; HTTP 410 and the code are ours)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from aiohttp import web

from ..errors import ApiError
from .table import USER, Answering, Call, CallTable

if TYPE_CHECKING:
    from ..process import Webapp

GONE = {
    "groups": {
        "": "GET POST",
        "/{id}": "GET PUT",
        "/{id}/leave": "POST",
        "/{id}/icon": "GET POST DELETE",
        "/{id}/invite": "GET DELETE",
        "/{id}/participants": "DELETE",
        "/{id}/admins": "PATCH DELETE",
    },
    "stickerpacks": {
        "": "GET POST",
        "/{id}": "GET PUT DELETE",
        "/{id}/stickers": "GET POST",
        "/{id}/stickers/{index}": "GET PUT DELETE",
    },
}


def _gone(resource: str, name: str) -> Answering:
    async def refuse(_webapp: Webapp, _request: web.Request) -> NoReturn:
        raise ApiError(1006, f"{resource} are gone, with the service that had them", 410)

    refuse.__name__ = name
    refuse.__doc__ = f"Refused with 410, since {resource} are gone, with the service that had them."
    return refuse


CALLS: CallTable = [
    Call(method, f"/v1/{resource}{path}", USER, _gone(resource, f"{method.lower()}_{resource}{end}"), answers={})
    for resource, paths in GONE.items()
    for path, methods in paths.items()
    for method in methods.split()
    for end in [path.replace("/", "_").translate({ord("{"): None, ord("}"): None})]
]
