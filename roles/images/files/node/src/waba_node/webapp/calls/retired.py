"""Groups and sticker packs, which the vendor retired (docs/reference/vendor-contract.md#messages).

Their calls are refused with HTTP 410 instead of 404. Status and code are our decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from aiohttp import web

from ..errors import ApiError
from .table import USER, Answering, Call, CallTable

if TYPE_CHECKING:
    from ..process import Webapp

RETIRED = {  # resource -> path below it -> methods
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
        "/{id}": "GET PATCH PUT DELETE",
        "/{id}/stickers": "GET POST",
        "/{id}/stickers/{index}": "GET PATCH PUT DELETE",
    },
}


def _refusing(resource: str, name: str) -> Answering:
    """Return a call that refuses every request."""

    async def refuse(_webapp: Webapp, _request: web.Request) -> NoReturn:
        raise ApiError(1006, f"{resource} were retired by the vendor and are not supported", 410)

    refuse.__name__ = name
    refuse.__doc__ = f"Refused with 410: {resource} were retired by the vendor."
    return refuse


CALLS: CallTable = [
    Call(method, f"/v1/{resource}{path}", USER, _refusing(resource, f"{method.lower()}_{resource}{suffix}"), answers={})
    for resource, paths in RETIRED.items()
    for path, methods in paths.items()
    for method in methods.split()
    for suffix in [path.replace("/", "_").translate({ord("{"): None, ord("}"): None})]
]
