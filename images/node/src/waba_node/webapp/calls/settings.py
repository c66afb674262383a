"""The application settings (vendor facts, section 2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from ...settings import ApplicationSettings, changed
from ...store import documents
from ..answers import ChangedSettings, Settings
from ..errors import ApiError
from .table import ADMIN, Call, CallTable, JsonBody

if TYPE_CHECKING:
    from ..process import Webapp


async def read_settings(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """GET /v1/settings/application: all application settings, defaults included."""
    async with webapp.database.begin() as connection:
        settings = msgspec.to_builtins(await documents.read_settings(connection))
        number = (await documents.read_document(connection, documents.ACCOUNT)).get("registered")
    settings["wa_id"] = number["cc"] + number["phone_number"] if number else ""
    return 200, {"settings": {"application": settings}}


async def patch_settings(webapp: Webapp, _request: web.Request, body: dict) -> tuple[int, dict]:
    """PATCH /v1/settings/application: the settings that are named change, the rest stays; what needs a restart is named."""
    if "wa_id" in body:
        raise ApiError(1010, "wa_id cannot be set")
    async with webapp.database.begin() as connection:
        stored = await documents.read_document(connection, documents.SETTINGS)
    try:
        changed(stored, body)
    except msgspec.ValidationError as error:
        raise ApiError(1009, str(error)) from error
    return 200, needing_restart(await webapp.router.primary_master("settings.patch", {"settings": body}))


async def reset_settings(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """DELETE /v1/settings/application: all settings go back to the defaults."""
    return 200, needing_restart(await webapp.router.primary_master("settings.reset", {}))


def needing_restart(answer: dict) -> dict:
    """Return what the answer to a change says, from what the primary master said."""
    names = answer.get("restart_needed")  # a master of an older version says nothing of it
    return {"settings": {"restart_needed": names}} if names else {}


CALLS: CallTable = [
    Call("GET", "/v1/settings/application", ADMIN, read_settings, answers={200: Settings}),
    Call(
        "PATCH",
        "/v1/settings/application",
        ADMIN,
        patch_settings,
        JsonBody(ApplicationSettings, as_sent=True),
        {200: ChangedSettings},
    ),
    Call("DELETE", "/v1/settings/application", ADMIN, reset_settings, answers={200: ChangedSettings}),
]
