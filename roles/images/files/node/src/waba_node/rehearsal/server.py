"""The stand-in's server: the Graph API under /v<N>.0, downloads, and the control calls (control.py)."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import BodyPartReader, web

from .account import Account
from .answers import json_answer
from .behaviour import Behaviour, Fault
from .control import ControlApi
from .errors import GraphError
from .media import LARGEST, MediaStore
from .messages import Messages, Sent
from .validation import Message, ReadMark, read_message
from .webhooks import Webhooks

VERSIONS = range(20, 27)  # of the Graph API that are not retired
EVENTS = 10_000  # stored
MESSAGING, MANAGEMENT = "whatsapp_business_messaging", "whatsapp_business_management"


@dataclass
class Identity:
    """The credentials and ids that a client of the stand-in uses."""

    token: str
    app_secret: str
    phone_number_id: str = "700000000000001"
    waba_id: str = "800000000000001"
    app_id: str = "600000000000001"
    display_number: str = "15559876543"


@dataclass
class Call:
    """One request of the Graph API. node: the id in the path."""

    request: web.Request
    node: str
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def query(self) -> dict[str, str]:
        return dict(self.request.query)

    @property
    def fields(self) -> list[str]:
        return [name for name in self.request.query.get("fields", "").split(",") if name]

    @property
    def origin(self) -> str:
        return str(self.request.url.origin())


class Standin:
    """The service: one app, one WABA, one number."""

    def __init__(self, identity: Identity, *, registered: bool = False, trust: ssl.SSLContext | bool = True) -> None:
        """trust: of webhook receivers; False accepts any certificate, and http."""
        self.identity = identity
        self.behaviour = Behaviour()
        self.faults: list[Fault] = []
        self.tokens = {identity.token}
        self.webhooks = Webhooks(lambda: self.behaviour, identity.waba_id, identity.app_secret, trust)
        self.account = Account(
            identity.phone_number_id,
            identity.waba_id,
            identity.app_id,
            identity.display_number,
            self.webhooks,
            lambda: self.behaviour,
            registered=registered,
        )
        self.media = MediaStore(lambda: self.behaviour)
        metadata = {
            "display_phone_number": identity.display_number,
            "phone_number_id": identity.phone_number_id,
        }
        self.messages = Messages(lambda: self.behaviour, self.media, metadata, time.time)
        self.messages.identity_check = lambda: self.account.identity_check
        self.messages.throughput = lambda: self.account.throughput
        self.inbound_wamids: dict[str, None] = {}
        self.events: deque[dict[str, Any]] = deque(maxlen=EVENTS)
        self.origin = ""  # by which clients reach this server; download URLs in webhooks begin with it
        self.tasks: set[asyncio.Task[None]] = set()
        self.calls: dict[tuple[str, str, str], tuple[str, Callable[[Call], Any]]] = self._calls()

    def _calls(self) -> dict[tuple[str, str, str], tuple[str, Callable[[Call], Any]]]:
        """Return (method, kind of the node, edge) -> (scope, handler)."""
        account, media = self.account, self.media
        return {
            ("POST", "number", "messages"): (MESSAGING, self.send),
            ("POST", "number", "media"): (MESSAGING, self.upload),
            ("GET", "media", ""): (MESSAGING, self.media_info),
            ("DELETE", "media", ""): (MESSAGING, lambda call: media.delete(call.node)),
            ("GET", "number", ""): (MANAGEMENT, lambda call: account.number(call.fields)),
            ("POST", "number", ""): (MANAGEMENT, lambda call: account.update_number(call.body)),
            ("POST", "number", "request_code"): (MANAGEMENT, lambda call: account.request_code(call.body)),
            ("POST", "number", "verify_code"): (MANAGEMENT, lambda call: account.verify_code(call.body)),
            ("POST", "number", "register"): (MANAGEMENT, lambda call: account.register(call.body)),
            ("POST", "number", "deregister"): (MANAGEMENT, lambda _call: account.deregister()),
            ("GET", "number", "whatsapp_business_profile"): (
                MANAGEMENT,
                lambda call: account.read_profile(call.fields),
            ),
            ("POST", "number", "whatsapp_business_profile"): (
                MANAGEMENT,
                lambda call: account.update_profile(call.body, call.origin),
            ),
            ("GET", "number", "business_compliance_info"): (
                MANAGEMENT,
                lambda call: account.read_compliance(call.fields),
            ),
            ("POST", "number", "business_compliance_info"): (
                MANAGEMENT,
                lambda call: account.update_compliance(call.body),
            ),
            ("GET", "number", "settings"): (MANAGEMENT, lambda _call: account.read_settings()),
            ("POST", "number", "settings"): (MANAGEMENT, lambda call: account.update_settings(call.body)),
            ("GET", "waba", ""): (MANAGEMENT, lambda _call: {"id": account.waba_id, "name": "Rehearsal"}),
            ("GET", "waba", "phone_numbers"): (MANAGEMENT, lambda call: {"data": [account.number(call.fields)]}),
            ("GET", "waba", "subscribed_apps"): (MANAGEMENT, lambda _call: account.subscriptions()),
            ("POST", "waba", "subscribed_apps"): (MANAGEMENT, lambda call: account.subscribe(call.body)),
            ("DELETE", "waba", "subscribed_apps"): (MANAGEMENT, lambda _call: account.unsubscribe()),
            ("POST", "app", "uploads"): (MANAGEMENT, lambda call: account.begin_upload(call.query)),
            ("POST", "upload", ""): (MANAGEMENT, self.finish_upload),
            ("GET", "app", ""): ("", lambda _call: {"id": account.app_id, "name": "Rehearsal"}),
            ("GET", "debug_token", ""): ("", self.debug_token),
        }

    def application(self) -> web.Application:
        application = web.Application(client_max_size=LARGEST)
        router = application.router
        router.add_route("*", "/v{version:[0-9]+}.0/{node}", self.graph)
        router.add_route("*", "/v{version:[0-9]+}.0/{node}/{edge}", self.graph)
        router.add_get("/whatsapp_business/attachments/", self.download)
        router.add_get("/profile-picture", self.picture)
        control = ControlApi(self)
        router.add_get("/", control.state)
        control.add_routes(router)
        application.cleanup_ctx.append(self.deliver)
        return application

    async def deliver(self, _application: web.Application) -> AsyncIterator[None]:
        """Deliver webhooks while the server runs."""
        self.webhooks.start()
        yield
        for task in list(self.tasks):
            task.cancel()
        await self.webhooks.close()

    def note(self, event: str, **details: Any) -> None:
        """Record what happened."""
        self.events.append({"at": round(time.time(), 3), "event": event, **details})

    # -- the Graph API -------------------------------------------------------------------------------------------------

    async def graph(self, request: web.Request) -> web.StreamResponse:
        """Answer a call of the Graph API."""
        node, edge = request.match_info["node"], request.match_info.get("edge", "")
        try:
            if int(request.match_info["version"]) not in VERSIONS:
                raise GraphError(100, f"the version is not one of v{VERSIONS[0]}.0 to v{VERSIONS[-1]}.0")
            kind = self._kind(node)
            self._authenticate(request, "OAuth" if kind == "upload" else "Bearer")
            self.origin = str(request.url.origin())
            scope, handler = self._find_call(request.method, kind, node, edge)
            if scope and scope not in self.behaviour.scopes:
                raise GraphError(200 if scope == MESSAGING else 10, f"the token lacks the scope {scope}")
            call = Call(request, node)
            if request.method == "POST" and handler not in (self.send, self.upload, self.finish_upload):
                call.body = await _json(request)
            answer = handler(call)
            if isinstance(answer, Awaitable):
                answer = await answer
            return answer if isinstance(answer, web.StreamResponse) else json_answer(200, answer)
        except GraphError as error:
            self.messages.refused[error.code] += 1
            self.note("refused", method=request.method, path=request.path, code=error.code, details=error.details)
            return json_answer(error.http_status, error.answer())

    def _kind(self, node: str) -> str:
        account = self.account
        names = {account.phone_number_id: "number", account.waba_id: "waba", account.app_id: "app", "app": "app"}
        if node.startswith("upload:"):
            return "upload"
        return "debug_token" if node == "debug_token" else names.get(node, "media")

    def _find_call(self, method: str, kind: str, node: str, edge: str) -> tuple[str, Callable[[Call], Any]]:
        found = self.calls.get((method, kind, edge))
        if found is None:
            details = f"Unsupported {method.lower()} request. Object with ID '{node}' does not exist or has no {edge!r}"
            raise GraphError(100, details, subcode=33)
        return found

    def _authenticate(self, request: web.Request, scheme: str) -> None:
        header = request.headers.get("Authorization", "")
        if not header:
            raise GraphError(104)
        kind, _space, token = header.partition(" ")
        if kind != scheme or token not in self.tokens or self.behaviour.dead_tokens:
            raise GraphError(190, "the token is malformed, expired or revoked")

    async def send(self, call: Call) -> web.StreamResponse:
        """Accept a message or a read mark; or fail as a fault says."""
        request = call.request
        if self._fault(("cut_request",)) is not None:
            await request.content.read(1)
            self.note("fault", kind="cut_request")
            return _reset(request)
        body = await _json(request)
        message = read_message(body)
        if self.behaviour.maintenance:
            raise GraphError(131057)
        if not self.account.registered:
            raise GraphError(133010)
        if isinstance(message, ReadMark):
            return self._mark_read(message)
        fault = self._fault(("error",), message, body)
        if fault is not None:
            return await self._fail(fault, message, body)
        self.messages.check(message)
        sent = self._accept(message, body)
        fault = self._fault(("lose_answer", "delay_answer", "cut_answer", "status_first"), message, body)
        answer = self.messages.answer(message, sent)
        if fault is not None:
            return await self._answer_badly(request, fault, sent, answer)
        await asyncio.sleep(self.behaviour.latency)
        self.messages.answered(sent)
        self.report(sent)
        return json_answer(200, answer)

    def _accept(self, message: Message, body: dict[str, Any]) -> Sent:
        sent = self.messages.accept(message, body)
        self.note("message", wamid=sent.wamid, to=sent.to, type=sent.type, callback_data=sent.callback_data)
        return sent

    def _mark_read(self, mark: ReadMark) -> web.StreamResponse:
        if mark.message_id not in self.inbound_wamids:
            raise GraphError(100, "message_id is not that of a received message")
        self.messages.read_marks[mark.message_id] += 1
        self.note("read", wamid=mark.message_id)
        return json_answer(200, {"success": True})

    def _fault(
        self, kinds: tuple[str, ...], message: Message | None = None, body: dict[str, Any] | None = None
    ) -> Fault | None:
        """Return the fault that applies to a message, and count it."""
        user = self.messages.recipient(message) if message is not None else ""
        for fault in self.faults:
            if fault.kind not in kinds or fault.times == 0:
                continue
            if message is not None and body is not None:
                content = str(body.get(message.type))
                if not user.startswith(fault.to) or fault.containing not in content:
                    continue
            fault.seen += 1
            if fault.seen % fault.every == 0:
                fault.times -= 1 if fault.times > 0 else 0
                return fault
        return None

    async def _fail(self, fault: Fault, message: Message, body: dict[str, Any]) -> web.StreamResponse:
        """Answer with the error of a fault."""
        if fault.sent:
            self.report(self._accept(message, body))
        await asyncio.sleep(self.behaviour.latency)
        if fault.code is not None:
            raise GraphError(fault.code, http_status=fault.http_status)
        self.note("fault", kind="error", http_status=fault.http_status or 500)
        text = "<!DOCTYPE html><title>Error</title>" if fault.html else ""
        return web.Response(status=fault.http_status or 500, text=text, content_type="text/html")

    async def _answer_badly(
        self, request: web.Request, fault: Fault, sent: Sent, answer: dict[str, Any]
    ) -> web.StreamResponse:
        """Answer an accepted message as a fault says."""
        self.note("fault", kind=fault.kind, wamid=sent.wamid)
        if fault.kind == "status_first":
            await self.webhooks.deliver_now(self.messages.statuses(sent))
            await asyncio.sleep(self.behaviour.latency)
            self.messages.answered(sent)
            return json_answer(200, answer)
        self.report(sent)
        if fault.kind == "delay_answer":
            await asyncio.sleep(fault.seconds)
            return json_answer(200, answer)
        await asyncio.sleep(self.behaviour.latency)
        if fault.kind == "cut_answer":
            text = msgspec.json.encode(answer)
            response = web.StreamResponse(
                headers={"Content-Type": "application/json", "Content-Length": str(len(text))}
            )
            await response.prepare(request)
            await response.write(text[: len(text) // 2])
            if request.transport is not None:
                request.transport.close()
            return response
        return _reset(request)

    def report(self, sent: Sent) -> None:
        """Report the statuses of a message, at once or each after a delay."""
        delay = self.behaviour.status_delay
        updates = self.messages.statuses(sent)
        if not delay:
            self.webhooks.add(updates)
            return

        async def later() -> None:
            for update in updates:
                await asyncio.sleep(delay)
                self.webhooks.add([update])

        task = asyncio.create_task(later())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def upload(self, call: Call) -> dict[str, Any]:
        """Store an uploaded file. Only multipart/form-data is accepted."""
        if call.request.content_type != "multipart/form-data":
            raise GraphError(100, "Param file must be uploaded as multipart/form-data")
        form: dict[str, str] = {}
        file: tuple[str, str, bytes] | None = None
        try:
            async for part in await call.request.multipart():
                if not isinstance(part, BodyPartReader):
                    raise GraphError(100, "the form contains another form")
                if part.name == "file":
                    file = (part.headers.get("Content-Type", ""), part.filename or "", await _read_part(part))
                else:
                    form[part.name or ""] = await part.text()
        except ValueError as error:
            raise GraphError(100, f"the form is not valid: {error}") from None
        if form.get("messaging_product") != "whatsapp":
            raise GraphError(100, "(#100) The parameter messaging_product is required.")
        if "type" not in form:
            raise GraphError(100, "(#100) The parameter type is required.")
        if file is None or not file[1] or not file[0]:
            raise GraphError(100, "(#100) The parameter file is required, with a file name and a Content-Type.")
        stored = self.media.upload(file[0], form["type"], file[1], file[2])
        self.note("media uploaded", id=stored.media_id, mime_type=stored.mime_type, size=len(stored.content))
        return {"id": stored.media_id}

    def media_info(self, call: Call) -> dict[str, Any]:
        owner = call.query.get("phone_number_id", self.account.phone_number_id)
        if owner != self.account.phone_number_id:
            raise GraphError(100, "the file belongs to another number", subcode=33)
        return self.media.info(call.node, call.origin)

    async def finish_upload(self, call: Call) -> dict[str, Any]:
        session = call.request.raw_path.partition("/upload:")[2]
        offset = call.request.headers.get("file_offset", "")
        return self.account.finish_upload(f"upload:{session}", offset, await call.request.read())

    def debug_token(self, call: Call) -> dict[str, Any]:
        return self.account.describe_token(call.query.get("input_token") in self.tokens)

    async def download(self, request: web.Request) -> web.Response:
        """Return a file. A request without a User-Agent receives a page, as users report."""
        if not request.headers.get("User-Agent"):
            return web.Response(text="<!DOCTYPE html>", content_type="text/html")
        try:
            self._authenticate(request, "Bearer")
        except GraphError as error:
            return json_answer(error.http_status, error.answer())
        found = self.media.download(request.query.get("mid", ""), request.query.get("hash", ""))
        if found is None:
            return web.Response(status=404)
        self.note("media downloaded", id=found.media_id)
        return web.Response(body=found.content, headers={"Content-Type": found.mime_type})

    async def picture(self, _request: web.Request) -> web.Response:
        """Return the profile photo, which needs no token."""
        return web.Response(body=self.account.photo, content_type="image/jpeg")


async def _json(request: web.Request) -> dict[str, Any]:
    """Return the JSON object of a request, an empty one for an empty body. Raises GraphError 100."""
    content = await request.read()
    if not content:
        return {}
    if request.content_type != "application/json":
        raise GraphError(100, "the Content-Type is not application/json")
    try:
        body = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise GraphError(100, f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise GraphError(100, "the body is not a JSON object")
    return body


async def _read_part(part: BodyPartReader) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk(1 << 16):
        content += chunk
        if len(content) > LARGEST:
            raise GraphError(131053, f"a file has at most {LARGEST} bytes", 400)
    return bytes(content)


def _reset(request: web.Request) -> web.Response:
    """End the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
