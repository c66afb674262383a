"""A running stand-in, its receiver of webhooks, and a client that has nothing in common with the node's."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from waba_node.rehearsal.server import Identity, Standin

TOKEN, SECRET = "token-of-the-test", "secret-of-the-test"
NUMBER, WABA, APP = "700000000000001", "800000000000001", "600000000000001"


class Receiver:
    """A webhook receiver. answers: the statuses of the next posts; the last one repeats."""

    def __init__(self) -> None:
        self.raw: list[tuple[str, bytes]] = []  # signature, body
        self.answers = [200]
        self.challenge: Callable[[web.Request], web.Response] = lambda request: web.Response(
            text=request.query["hub.challenge"]
        )
        self.changed = asyncio.Condition()
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            return self.challenge(request)
        async with self.changed:
            self.raw.append((request.headers["X-Hub-Signature-256"], await request.read()))
            self.changed.notify_all()
        return web.Response(status=self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])

    @property
    def values(self) -> list[dict[str, Any]]:
        """Return the values of every update, in order."""
        bodies = [json.loads(body) for _signature, body in self.raw]
        return [change["value"] for body in bodies for entry in body["entry"] for change in entry["changes"]]

    @property
    def statuses(self) -> list[tuple[str, str]]:
        """Return (wamid, status) of every status."""
        return [(s["id"], s["status"]) for value in self.values for s in value.get("statuses", [])]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Return the messages of users."""
        return [message for value in self.values for message in value.get("messages", [])]

    async def wait(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        """Wait until `condition()` is true. Raises TimeoutError."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(condition)

    def signed_by(self, secret: str) -> bool:
        """Return whether every post was signed with a secret over its raw bytes."""
        return all(
            signature == "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            for signature, body in self.raw
        )


class Client:
    """Calls the stand-in."""

    def __init__(self, session: aiohttp.ClientSession, address: str, standin: Standin, receiver: Receiver) -> None:
        self.session, self.address, self.standin, self.receiver = session, address, standin, receiver

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, dict[str, Any]]:
        """Call the Graph API; return the status and the answer."""
        headers = {"Authorization": f"Bearer {TOKEN}", **options.pop("headers", {})}
        if body is not None:
            options["data"] = json.dumps(body)
            headers["Content-Type"] = "application/json"
        url = f"{self.address}/v25.0/{path}"
        async with self.session.request(method, url, headers=headers, **options) as response:
            return response.status, await response.json(content_type=None)

    async def send(self, **message: Any) -> tuple[int, dict[str, Any]]:
        """Send a message: a text unless its content is given."""
        body = {"messaging_product": "whatsapp", "to": "+15551234567", **message}
        if "type" not in body:
            body |= {"type": "text", "text": {"body": "Hello"}}
        return await self.call("POST", f"{NUMBER}/messages", body)

    async def code(self, **message: Any) -> int:
        """Return the code of the error with which a message is refused, 0 if it is accepted."""
        _status, answer = await self.send(**message)
        if "error" not in answer:
            return 0
        assert answer["error"]["fbtrace_id"]
        return answer["error"]["code"]

    async def control(self, name: str, body: Any = None) -> Any:
        """Make a control call: GET without a body, otherwise POST."""
        url = f"{self.address}/control/{name}"
        async with self.session.request("GET" if body is None else "POST", url, json=body) as response:
            answer = await response.json()
            assert response.status == 200, answer
            return answer

    async def upload(self, name: str, content_type: str, content: bytes, **fields: str) -> tuple[int, dict[str, Any]]:
        """Upload a file."""
        form = aiohttp.FormData({"messaging_product": "whatsapp", "type": content_type, **fields})
        form.add_field("file", content, filename=name, content_type=content_type)
        return await self.call("POST", f"{NUMBER}/media", data=form)


@asynccontextmanager
async def running(subscribed: bool = True) -> AsyncIterator[Client]:
    """A client of a stand-in with a registered number, whose webhooks go to a receiver."""
    receiver = Receiver()
    standin = Standin(Identity(TOKEN, SECRET), registered=True, trust=False)
    runners = [
        web.ServerRunner(web.Server(receiver.handle), shutdown_timeout=0.1),
        web.AppRunner(standin.application(), shutdown_timeout=0.1),
    ]
    addresses = []
    for runner in runners:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        addresses.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
    receiver.url = f"{addresses[0]}/hook"
    async with aiohttp.ClientSession() as session:
        client = Client(session, addresses[1], standin, receiver)
        if subscribed:
            await client.control("callback", {"url": receiver.url, "verify_token": "v", "subscribed": True})
        try:
            yield client
        finally:
            for runner in reversed(runners):
                await runner.cleanup()
