"""A stand-in for the messaging service: it accepts one connection per shard, and bans the account after a second one.

Run it with the node's libraries: `python3 standin.py PORT`. waba_node/upstream/websocket.py describes the protocol; a test uses:

    GET  /state      banned (the reason, or null), connected ({shard: epoch}), connections, refused, received, duplicates
    GET  /received   {message id: how many times it was received}
    POST /behave     {"delay": seconds before a confirmation, "hold": withhold confirmations, "refuse": refuse new connections}
    POST /drop       end every connection, as a restarted service does

A second connection bans the account when the first one is alive, which means that it answers two pings. A process that resumes after a freeze
closes its connection after its deadline and answers at most one ping; a disconnected network answers none.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections import Counter
from typing import Any

from aiohttp import WSMsgType, web

PONG_TIMEOUT = 2.0  # seconds
PING_INTERVAL = 0.5  # seconds
CODE = "123456"
FILE = bytes(range(256)) * 1000


class Connection:
    """One coreapp's connection."""

    def __init__(self, shard: int, epoch: int, request: web.Request) -> None:
        self.shard, self.epoch, self.transport = shard, epoch, request.transport
        # Pings and pongs are handled by `listen`.
        self.socket = web.WebSocketResponse(autoping=False, max_msg_size=4 << 20)
        self.ponged = asyncio.Event()

    async def is_alive(self) -> bool:
        """Return whether a running process answers."""
        for _ping in range(2):
            self.ponged.clear()
            try:
                await self.socket.ping()
                await asyncio.wait_for(self.ponged.wait(), PONG_TIMEOUT)
            except (OSError, TimeoutError, RuntimeError):
                return False
            await asyncio.sleep(PING_INTERVAL)
        return not self.socket.closed

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    async def write(self, frame: dict[str, object]) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # the connection has ended; the next one repeats its messages
            await self.socket.send_json(frame)


class Standin:
    """The account, its connections, and the messages that it received."""

    def __init__(self) -> None:
        self.registered = False
        self.banned: str | None = None
        self.live: dict[int, Connection] = {}
        self.epochs: dict[int, int] = {}
        self.entering: dict[int, asyncio.Lock] = {}
        self.received: Counter[str] = Counter()
        self.counts = Counter(connections=0, refused=0)
        self.delay, self.hold, self.refuse = 0.0, False, False
        self.held: list[tuple[int, str]] = []
        self.tasks: set[asyncio.Task[None]] = set()

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/connect", self.connect)
        application.router.add_get("/state", self.state)
        application.router.add_get("/media", self.media)
        application.router.add_get("/received", self.list_received)
        application.router.add_post("/behave", self.behave)
        application.router.add_post("/drop", self.drop)
        application.router.add_post("/register", self.register)
        application.router.add_post("/verify", self.verify)
        return application

    # -- connections ---------------------------------------------------------------------------------------------------

    async def connect(self, request: web.Request) -> web.StreamResponse:
        shard, epoch = int(request.query["shard"]), int(request.query["epoch"])
        made = Connection(shard, epoch, request)
        async with self.entering.setdefault(shard, asyncio.Lock()):
            if (refusal := await self.refuse_connection(made)) is not None:
                self.counts["refused"] += 1
                return refusal
            await made.socket.prepare(request)
            self.epochs[shard] = epoch
            self.live[shard] = made
            self.counts["connections"] += 1
        try:
            await self.listen(made)
        finally:
            if self.live.get(shard) is made:
                del self.live[shard]
        return made.socket

    async def refuse_connection(self, new: Connection) -> web.Response | None:
        if not self.registered:
            return web.Response(status=401, text="the number is not registered")
        if new.epoch < self.epochs.get(new.shard, 0):
            return web.Response(status=409, text=f"epoch {self.epochs[new.shard]} was connected")
        if self.refuse:
            return web.Response(status=503, text="no new connections at the moment")
        former = self.live.get(new.shard)
        if former is not None and self.banned is None:
            if await former.is_alive():
                self.banned = f"shard {new.shard}: epoch {new.epoch} connects while epoch {former.epoch} is connected"
                print(f"BANNED: {self.banned}", flush=True)
            former.cut()
        if self.banned is not None:
            return web.Response(status=403, text=f"the account is banned: {self.banned}")
        return None

    async def listen(self, connection: Connection) -> None:
        async for message in connection.socket:
            if message.type is WSMsgType.PING:
                await connection.socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                connection.ponged.set()
            elif message.type is WSMsgType.TEXT:
                await self.handle(connection, message.json())

    async def handle(self, connection: Connection, frame: dict[str, str]) -> None:
        if frame["do"] == "send":
            self.received[frame["id"]] += 1
            if self.hold:
                self.held.append((connection.shard, frame["id"]))
            elif self.delay:
                self.later(self.confirm_late(connection.shard, frame["id"]))
            else:
                await self.confirm(connection.shard, frame["id"])
        elif frame["do"] == "check_contacts":
            await connection.write({"call": frame["call"], "result": {number: number for number in frame["numbers"]}})
        elif frame["do"] == "identity":
            await connection.write({"call": frame["call"], "result": f"identity of {frame['wa_id']}"})

    async def confirm_late(self, shard: int, message_id: str) -> None:
        await asyncio.sleep(self.delay)
        await self.confirm(shard, message_id)

    async def confirm(self, shard: int, message_id: str) -> None:
        """Report a message as sent and delivered, to the present connection for its shard."""
        for kind in ("sent", "delivered"):
            if (connection := self.live.get(shard)) is not None:
                await connection.write({"event": kind, "id": message_id, "timestamp": int(time.time())})

    def later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # -- for tests -----------------------------------------------------------------------------------------------------

    async def state(self, _request: web.Request) -> web.Response:
        repeated = sum(count - 1 for count in self.received.values())
        connected = {str(shard): connection.epoch for shard, connection in self.live.items()}
        state = {"banned": self.banned, "connected": connected, "received": len(self.received), "duplicates": repeated}
        return web.json_response({**state, **self.counts})

    async def list_received(self, _request: web.Request) -> web.Response:
        return web.json_response(self.received)

    async def behave(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        self.delay = wanted.get("delay", self.delay)
        self.refuse = wanted.get("refuse", self.refuse)
        self.hold = wanted.get("hold", self.hold)
        if not self.hold:
            held, self.held = self.held, []
            for shard, message_id in held:
                await self.confirm(shard, message_id)
        return web.json_response({})

    async def drop(self, _request: web.Request) -> web.Response:
        for connection in list(self.live.values()):
            connection.cut()
        return web.json_response({})

    async def media(self, request: web.Request) -> web.Response:
        if request.query["reference"] != "a file/?&":
            return web.Response(status=404, text="no such file")
        return web.Response(body=FILE)

    async def register(self, _request: web.Request) -> web.Response:
        return web.json_response({})

    async def verify(self, request: web.Request) -> web.Response:
        if (await request.json())["code"].replace("-", "") != CODE:
            return web.Response(status=403, text="wrong code")
        self.registered = True
        return web.json_response({})


if __name__ == "__main__":
    web.run_app(Standin().application(), port=int(sys.argv[1]), access_log=None)
