"""The application settings (docs/reference/vendor-contract.md#settings)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from ...settings import SettingsChange, apply_change, historic_settings, read_change, read_settings
from ...store import documents
from ..errors import ApiError
from ..schema.settings import ChangedSettings, Settings
from .table import ADMIN, Call, CallTable, JsonBody, Result

if TYPE_CHECKING:
    from ..process import Webapp

PATH = "/v1/settings/application"


async def get_settings(webapp: Webapp, _request: web.Request) -> Result:
    """GET /v1/settings/application: all application settings, including defaults."""
    async with webapp.database.begin() as connection:
        stored = await documents.read_document(connection, documents.SETTINGS)
        number = (await documents.read_document(connection, documents.ACCOUNT)).get("registered")
    wa_id = number["cc"] + number["phone_number"] if number else ""
    settings = {**msgspec.to_builtins(read_settings(stored)), **historic_settings(stored), "wa_id": wa_id}
    return 200, {"settings": {"application": settings}}


async def patch_settings(webapp: Webapp, request: web.Request, body: dict[str, Any]) -> Result:
    """PATCH /v1/settings/application: change the given settings. The answer names those that need a restart.

    Settings of older releases are stored and returned without effect. Unknown and read-only ones are ignored, with a warning in `meta`.
    """
    stored = await webapp.database.run(lambda connection: documents.read_document(connection, documents.SETTINGS))
    try:
        change = read_change(body)
        apply_change(stored, change.values)
    except msgspec.ValidationError as error:
        raise ApiError(1009, str(error)) from error
    request["warnings"] = change.warnings
    return 200, _change_answer(await webapp.router.call_primary_master("settings.patch", {"settings": change.values}))


async def reset_settings(webapp: Webapp, _request: web.Request) -> Result:
    """DELETE /v1/settings/application: restore the default of every setting."""
    return 200, _change_answer(await webapp.router.call_primary_master("settings.reset", {}))


def _change_answer(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the content of the answer to a change. answer: from the primary master."""
    names = answer.get("restart_needed")  # missing in the answer of an older master
    return {"settings": {"restart_needed": names}} if names else {}


CALLS: CallTable = [
    Call("GET", PATH, ADMIN, get_settings, answers={200: Settings}),
    Call("PATCH", PATH, ADMIN, patch_settings, JsonBody(SettingsChange, raw=True), {200: ChangedSettings}),
    Call("DELETE", PATH, ADMIN, reset_settings, answers={200: ChangedSettings}),
]
