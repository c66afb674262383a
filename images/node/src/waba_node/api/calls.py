"""The calls of the API's first part: one function a call, and the table of them."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from ..store import application, cluster
from ..wire import PortName, WireError
from .errors import ApiError
from .requests import Login, Register, TextMessage, Verify, converted, read_object
from .settings import changed

if TYPE_CHECKING:
    from ..webapp import Webapp

Call = Callable[["Webapp", web.Request], Awaitable[tuple[int, dict | None]]]

HEALTH_TIMEOUT = 2.0  # seconds
MESSAGE_TYPES = (
    "text", "image", "video", "audio", "document", "sticker", "template", "hsm", "interactive", "location", "contacts"
)  # fmt: skip


async def login(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """POST /v1/users/login."""
    body = converted(await read_object(request, empty=True), Login)
    return 200, {"users": [await webapp.sessions.login(request, body.new_password)]}


async def logout(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """POST /v1/users/logout."""
    await webapp.sessions.logout(request)
    return 200, {}


async def health(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """GET /v1/health: every registered node is asked, all at once."""
    async with webapp.database.begin() as connection:
        nodes = [row.address for row in await cluster.nodes(connection) if row.address.role in ("master", "coreapp")]
        primary = await cluster.primary_master(connection)

    async def ask(address) -> dict:
        try:
            status = await webapp.client.call(address, PortName.CONTROL, "status", {}, HEALTH_TIMEOUT)
        except WireError as error:
            role = (
                "coreapp"
                if address.role == "coreapp"
                else "primary_master"
                if address == primary
                else "secondary_master"
            )
            problem = ApiError(1014, error.details).as_dict()
            return {"gateway_status": "disconnected", "role": role, "errors": [problem]}
        return {"gateway_status": status["gateway_status"], "role": status["role"]}

    answers = await asyncio.gather(*map(ask, nodes))
    return 200, {"health": {address.node_id: answer for address, answer in zip(nodes, answers, strict=True)}}


async def read_settings(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """GET /v1/settings/application."""
    async with webapp.database.begin() as connection:
        settings = msgspec.to_builtins(await application.read_settings(connection))
        number = (await application.read_document(connection, "account")).get("registered")
    settings["wa_id"] = number["cc"] + number["phone_number"] if number else ""
    return 200, {"settings": {"application": settings}}


async def patch_settings(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """PATCH /v1/settings/application: a part of the settings."""
    body = await read_object(request)
    if "wa_id" in body:
        raise ApiError(1010, "wa_id cannot be set")
    async with webapp.database.begin() as connection:
        stored = await application.read_document(connection, "settings")
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


async def register_account(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """POST /v1/account: 202 when a code is on its way, 201 when the number is registered already."""
    body = converted(await read_object(request), Register)
    answer = await webapp.router.primary_master("account.register", msgspec.to_builtins(body))
    return (201, {}) if answer["registered"] else (202, {"account": [{"vname": "Rehearsal"}]})


async def verify_account(webapp: Webapp, request: web.Request) -> tuple[int, None]:
    """POST /v1/account/verify: 201 with an empty body."""
    body = converted(await read_object(request), Verify)
    await webapp.router.primary_master("account.verify", {"code": body.code})
    return 201, None


async def send_message(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """POST /v1/messages: answered once the message is in the database."""
    body = await read_object(request)
    kind = body.get("type", "text")
    if kind not in MESSAGE_TYPES:
        raise ApiError(1009, f"type must be one of {', '.join(MESSAGE_TYPES)}")
    if kind != "text":
        raise ApiError(1009, f"messages of type {kind} are not supported yet")
    message = converted(body, TextMessage)
    message_id = "gBGG" + base64.urlsafe_b64encode(secrets.token_bytes(15)).decode()
    recipient = message.to.lstrip("+")
    payload = {**msgspec.to_builtins(message), "to": recipient}
    await webapp.router.send({"message_id": message_id, "recipient": recipient, "payload": payload})
    return 200, {"messages": [{"id": message_id}]}


async def app_stats(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """GET /v1/stats/app."""
    async with webapp.database.begin() as connection:
        queued = await application.pending_webhooks(connection)
    metric = {
        "type": "gauge",
        "help": "Webhooks that wait for their delivery",
        "data": [{"labels": {}, "value": queued}],
    }
    return 200, {"stats": {"app": {"callback_queue_size": metric}}}


async def db_stats(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """GET /v1/stats/db: the primary master alone counts (seed); every other node has nothing to say (vendor fact)."""
    counted = await webapp.router.primary_master("database.statistics", {})
    async with webapp.database.begin() as connection:
        names = [row.address.node_id for row in await cluster.nodes(connection)]
    return 200, {"stats": {**{name: {} for name in names}, counted["node"]: {"db": counted["db"]}}}


OPEN, KEY, USER, ADMIN = (
    "open",
    "key",
    "user",
    "admin",
)  # who may call: all; also the API key; a token; an admin's token

# method, path, who may call, what answers
CALLS: list[tuple[str, str, str, Call]] = [
    ("POST", "/v1/users/login", OPEN, login),
    ("POST", "/v1/users/logout", USER, logout),
    ("GET", "/v1/health", KEY, health),
    ("GET", "/v1/stats/app", KEY, app_stats),
    ("GET", "/v1/stats/db", KEY, db_stats),
    ("GET", "/v1/settings/application", ADMIN, read_settings),
    ("PATCH", "/v1/settings/application", ADMIN, patch_settings),
    ("DELETE", "/v1/settings/application", ADMIN, reset_settings),
    ("POST", "/v1/account", ADMIN, register_account),
    ("POST", "/v1/account/verify", ADMIN, verify_account),
    ("POST", "/v1/messages", USER, send_message),
]
