"""The control calls of tests and operators, under /control.

GET    /control/state       counts of everything, and the switches
GET    /control/messages    accepted messages; ?after=POSITION, ?to=, ?callback_data=, ?limit=
GET    /control/events      what happened, the oldest first; ?limit=
POST   /control/behaviour   switches (behaviour.py); those not named keep their values
POST   /control/faults      a fault, or a list; DELETE removes all
POST   /control/account     state of the number (account.AccountUpdate)
POST   /control/inbound     a message of a user (inbound.Inbound); answers its ids
POST   /control/status      {"wamid", "status", "code"}: one more status of a message
POST   /control/identity    {"user"}: the user has a new identity
POST   /control/webhook     {"field", "value"}: any other webhook
POST   /control/callback    {"url", "verify_token", "subscribed"}: the address of the app, as its dashboard sets it
POST   /control/credentials {"tokens", "app_secret"}: the access tokens that live from now on, and the secret of the app
DELETE /control/webhooks    drop the webhooks that wait
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from .account import AccountUpdate
from .answers import json_answer
from .behaviour import Behaviour, Fault
from .errors import GraphError
from .inbound import FILES, REFERRAL, Inbound, content_of, context_of, file_object, file_of
from .messages import make_wamid
from .webhooks import Callback, Update

if TYPE_CHECKING:
    from .server import Standin


class StatusRequest(Struct, forbid_unknown_fields=True):
    wamid: str
    status: str
    code: int = 131026


class CallbackRequest(Struct, forbid_unknown_fields=True):
    url: str | UnsetType = UNSET
    verify_token: str = ""
    subscribed: bool | UnsetType = UNSET


class CredentialsRequest(Struct, forbid_unknown_fields=True):
    """tokens: those that are accepted; any other one is dead."""

    tokens: Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(min_length=1)] | UnsetType = UNSET
    app_secret: Annotated[str, Meta(min_length=1)] | UnsetType = UNSET


class UserRequest(Struct, forbid_unknown_fields=True):
    user: str


class WebhookRequest(Struct, forbid_unknown_fields=True):
    value: dict[str, Any]
    field: str = "messages"


class ControlApi:
    """Reads and changes the state of a stand-in."""

    def __init__(self, standin: Standin) -> None:
        self.standin = standin

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Route the control calls to this object."""
        router.add_get("/control/state", self.state)
        router.add_get("/control/messages", self.list_messages)
        router.add_get("/control/events", self.list_events)
        router.add_delete("/control/faults", self.clear_faults)
        router.add_delete("/control/webhooks", self.clear_webhooks)
        for name, handler in (
            ("behaviour", self.change_behaviour),
            ("faults", self.add_faults),
            ("account", self.change_account),
            ("inbound", self.send_inbound),
            ("status", self.send_status),
            ("identity", self.change_identity),
            ("webhook", self.send_webhook),
            ("callback", self.change_callback),
            ("credentials", self.change_credentials),
        ):
            router.add_post(f"/control/{name}", _controlled(handler))

    async def state(self, _request: web.Request) -> web.Response:
        messages, webhooks = self.standin.messages, self.standin.webhooks
        target = webhooks.target
        return json_answer(
            200,
            {
                "messages": {
                    "accepted": messages.accepted,
                    "unanswered": messages.unanswered,
                    "lost": messages.lost,
                    "callback_data": len(messages.by_callback_data),
                    "repeated_callback_data": {k: n for k, n in messages.by_callback_data.items() if n > 1},
                    "repeated_content": {k: n for k, n in messages.by_content.items() if n > 1},
                },
                "refused": {str(code): count for code, count in messages.refused.items()},
                "read": dict(messages.read_marks),
                "media": self.standin.media.counts,
                "inbound": len(self.standin.inbound_wamids),
                "webhooks": {
                    **webhooks.counts,
                    "pending": len(webhooks.pending),
                    "retrying": len(webhooks.retrying),
                    "subscribed": webhooks.subscribed,
                    "url": target.url if target is not None else None,
                    "last_failure": webhooks.last_failure,
                    "answer_seconds": webhooks.answer_time(),
                },
                "number": self.standin.account.number(
                    ["status", "throughput", "quality_rating", "webhook_configuration"]
                ),
                "profile": self.standin.account.profile,
                "behaviour": msgspec.to_builtins(self.standin.behaviour),
                "faults": msgspec.to_builtins(self.standin.faults),
            },
        )

    async def list_messages(self, request: web.Request) -> web.Response:
        query = request.query
        after, limit = int(query.get("after", 0)), int(query.get("limit", 1000))
        chosen = [
            sent
            for sent in self.standin.messages.stored
            if sent.position > after
            and query.get("to", sent.to) == sent.to
            and query.get("callback_data", sent.callback_data) == sent.callback_data
        ]
        return json_answer(200, {"messages": chosen[:limit]})

    async def list_events(self, request: web.Request) -> web.Response:
        events = list(self.standin.events)
        limit = int(request.query.get("limit", len(events)))
        return json_answer(200, {"events": events[-limit:]})

    async def clear_faults(self, _request: web.Request) -> web.Response:
        self.standin.faults.clear()
        return json_answer(200, {})

    async def clear_webhooks(self, _request: web.Request) -> web.Response:
        self.standin.webhooks.clear()
        return json_answer(200, {})

    async def change_behaviour(self, body: Any) -> Any:
        self.standin.behaviour = msgspec.convert({**msgspec.to_builtins(self.standin.behaviour), **body}, Behaviour)
        self.standin.webhooks.wakeup.set()
        return msgspec.to_builtins(self.standin.behaviour)

    async def add_faults(self, body: Any) -> Any:
        self.standin.faults.extend(msgspec.convert(body if isinstance(body, list) else [body], list[Fault]))
        return msgspec.to_builtins(self.standin.faults)

    async def change_account(self, body: Any) -> Any:
        self.standin.account.change(msgspec.convert(body, AccountUpdate))
        return self.standin.account.number([])

    async def send_inbound(self, body: Any) -> Any:
        wanted = msgspec.convert(body, Inbound)
        ids: list[str] = []
        for position in range(wanted.count):
            sender = str(int(wanted.sender) + position % wanted.users)
            update, wamid = self._inbound(wanted, sender)
            ids.append(wamid)
            self.standin.webhooks.add([update] * wanted.copies)
        return {"ids": ids}

    def _inbound(self, wanted: Inbound, sender: str) -> tuple[Update, str]:
        """Return the webhook with a message of a user, and the message's id."""
        messages = self.standin.messages
        wamid = wanted.id or make_wamid(sender, inbound=True)
        user_id = wanted.user_id or messages.user_id(sender)
        hidden = bool(wanted.username) or messages.hides_number(sender)
        file = None
        if wanted.type in FILES:
            content, mime_type = file_of(wanted)
            stored = self.standin.media.add(
                mime_type, content, self.standin.behaviour.inbound_media_life, wanted.filename
            )
            self.standin.media.counts["received"] += 1
            url = self.standin.media.url(stored, self.standin.origin) if self.standin.origin else ""
            file = file_object(wanted, stored.media_id, url, content, mime_type)
        message: dict[str, Any] = {"from": sender, "from_user_id": user_id, "id": wamid}
        if hidden:
            del message["from"]
        message["timestamp"] = str(int(time.time() * (1000 if wanted.milliseconds else 1)))
        message |= content_of(wanted, file, user_id)
        if context := context_of(wanted, self.standin.identity.display_number):
            message["context"] = context
        if wanted.referral:
            message["referral"] = REFERRAL
        message |= wanted.extra
        value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": messages.metadata}
        if message["type"] != "system":
            contact = messages.contact(sender, wanted.name, hidden, wanted.username)
            value["contacts"] = [{**contact, "user_id": user_id}]
        value["messages"] = [message]
        self.standin.inbound_wamids[wamid] = None
        messages.record_inbound(sender)
        self.standin.note("inbound", wamid=wamid, sender=sender, type=wanted.type)
        return Update("messages", value), wamid

    async def send_status(self, body: Any) -> Any:
        wanted = msgspec.convert(body, StatusRequest)
        sent = self.standin.messages.by_wamid.get(wanted.wamid)
        if sent is None:
            raise web.HTTPNotFound(text="no message has this wamid")
        self.standin.webhooks.add([self.standin.messages.status(sent, wanted.status, wanted.code)])
        return {}

    async def change_identity(self, body: Any) -> Any:
        self.standin.messages.generations[msgspec.convert(body, UserRequest).user] += 1
        return {}

    async def send_webhook(self, body: Any) -> Any:
        wanted = msgspec.convert(body, WebhookRequest)
        self.standin.webhooks.add([Update(wanted.field, wanted.value)])
        return {}

    async def change_credentials(self, body: Any) -> Any:
        wanted = msgspec.convert(body, CredentialsRequest)
        if isinstance(wanted.tokens, list):
            self.standin.tokens = set(wanted.tokens)
        if isinstance(wanted.app_secret, str):
            self.standin.webhooks.app_secret = wanted.app_secret
        self.standin.note("credentials changed")  # without their values
        return {}

    async def change_callback(self, body: Any) -> Any:
        wanted = msgspec.convert(body, CallbackRequest)
        if isinstance(wanted.url, str):
            callback = Callback(wanted.url, wanted.verify_token)
            if wanted.url and wanted.verify_token:
                await self.standin.webhooks.verify(callback)
            self.standin.webhooks.application = callback if wanted.url else None
        if isinstance(wanted.subscribed, bool):
            self.standin.webhooks.subscribed = wanted.subscribed
        return {}


def _controlled(handler: Callable[[Any], Awaitable[Any]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler that decodes the body of a control call, and answers 400 to an invalid one."""

    async def handle(request: web.Request) -> web.Response:
        try:
            return json_answer(200, await handler(msgspec.json.decode(await request.read() or b"{}")))
        except (msgspec.DecodeError, GraphError) as error:
            return json_answer(400, {"problem": str(error)})

    return handle
