"""The application settings (docs/reference/vendor-contract.md#settings)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from ...settings import ApplicationSettings, changed
from ...store import documents
from ..errors import ApiError
from ..schema.settings import ChangedSettings, Settings
from .table import ADMIN, Call, CallTable, JsonBody, Result

if TYPE_CHECKING:
    from ..process import Webapp

PATH = "/v1/settings/application"


async def read_settings(webapp: Webapp, _request: web.Request) -> Result:
    """GET /v1/settings/application: all application settings, including defaults."""
    async with webapp.database.begin() as connection:
        settings = msgspec.to_builtins(await documents.read_settings(connection))
        number = (await documents.read_document(connection, documents.ACCOUNT)).get("registered")
    settings["wa_id"] = number["cc"] + number["phone_number"] if number else ""
    return 200, {"settings": {"application": settings}}


async def patch_settings(webapp: Webapp, _request: web.Request, body: dict[str, Any]) -> Result:
    """PATCH /v1/settings/application: change the given settings. The answer names those that need a restart."""
    if "wa_id" in body:
        raise ApiError(1010, "wa_id cannot be set")
    async with webapp.database.begin() as connection:
        stored = await documents.read_document(connection, documents.SETTINGS)
    try:
        changed(stored, body)
    except msgspec.ValidationError as error:
        raise ApiError(1009, str(error)) from error
    return 200, _change_answer(await webapp.router.call_primary_master("settings.patch", {"settings": body}))


async def reset_settings(webapp: Webapp, _request: web.Request) -> Result:
    """DELETE /v1/settings/application: restore the default of every setting."""
    return 200, _change_answer(await webapp.router.call_primary_master("settings.reset", {}))


def _change_answer(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the content of the answer to a change. answer: from the primary master."""
    names = answer.get("restart_needed")  # missing in the answer of an older master
    return {"settings": {"restart_needed": names}} if names else {}


CALLS: CallTable = [
    Call("GET", PATH, ADMIN, read_settings, answers={200: Settings}),
    Call("PATCH", PATH, ADMIN, patch_settings, JsonBody(ApplicationSettings, raw=True), {200: ChangedSettings}),
    Call("DELETE", PATH, ADMIN, reset_settings, answers={200: ChangedSettings}),
]
