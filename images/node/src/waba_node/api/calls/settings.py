"""The application settings (vendor facts, section 2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from ...store import documents
from ..answers import Settings
from ..errors import ApiError
from ..settings import ApplicationSettings, changed
from .table import ADMIN, Call, CallTable, JsonBody

if TYPE_CHECKING:
    from ...webapp import Webapp


async def read_settings(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """GET /v1/settings/application: all of them, defaults included."""
    async with webapp.database.begin() as connection:
        settings = msgspec.to_builtins(await documents.read_settings(connection))
        number = (await documents.read_document(connection, "account")).get("registered")
    settings["wa_id"] = number["cc"] + number["phone_number"] if number else ""
    return 200, {"settings": {"application": settings}}


async def patch_settings(webapp: Webapp, _request: web.Request, body: dict) -> tuple[int, dict]:
    """PATCH /v1/settings/application: what is named changes, the rest stays."""
    if "wa_id" in body:
        raise ApiError(1010, "wa_id cannot be set")
    async with webapp.database.begin() as connection:
        stored = await documents.read_document(connection, "settings")
    try:
        changed(stored, body)
    except msgspec.ValidationError as error:
        raise ApiError(1009, str(error)) from error
    await webapp.router.primary_master("settings.patch", {"settings": body})
    return 200, {}


async def reset_settings(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """DELETE /v1/settings/application: back to the defaults."""
    await webapp.router.primary_master("settings.reset", {})
    return 200, {}


CALLS: CallTable = [
    Call("GET", "/v1/settings/application", ADMIN, read_settings, answers={200: Settings}),
    Call("PATCH", "/v1/settings/application", ADMIN, patch_settings, JsonBody(ApplicationSettings, as_sent=True)),
    Call("DELETE", "/v1/settings/application", ADMIN, reset_settings),
]
