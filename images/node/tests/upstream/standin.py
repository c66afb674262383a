"""A stand-in for the real service: one connection a shard, and the account is banned on a second one.

Run it with the node's own libraries: `python3 standin.py PORT`. What a coreapp says to it is in waba_node/upstream/websocket.py; what a test does:

    GET  /state      banned (why, or null), connected ({shard: epoch}), connections, refused, received, duplicates
    GET  /received   {message id: how many times it came}
    POST /behave     {"delay": seconds before a confirmation, "hold": keep confirmations back, "refuse": new connections}
    POST /drop       end every connection, as a service does that restarts

A second connection is one too many when the first is alive: when it answers two pings. A process that thaws for a moment, finds that its time is
over and cuts its connection answers one at the most; a network that is cut answers none.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections import Counter

from aiohttp import WSMsgType, web

PONG = 2.0  # seconds to wait for one
BETWEEN = 0.5  # seconds between two pings
CODE = "123456"
FILE = bytes(range(256)) * 1000


class Connection:
    """One coreapp's connection."""

    def __init__(self, shard: int, epoch: int, request: web.Request) -> None:
        self.shard, self.epoch, self.transport = shard, epoch, request.transport
        # Its pings are answered and its pongs seen here.
        self.socket = web.WebSocketResponse(autoping=False, max_msg_size=4 << 20)
        self.ponged = asyncio.Event()

    async def is_alive(self) -> bool:
        """Return whether a running process is at the other end."""
        for _ping in range(2):
            self.ponged.clear()
            try:
                await self.socket.ping()
                await asyncio.wait_for(self.ponged.wait(), PONG)
            except (OSError, TimeoutError, RuntimeError):
                return False
            await asyncio.sleep(BETWEEN)
        return not self.socket.closed

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    async def say(self, frame: dict) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # it has gone; the next one will ask again
            await self.socket.send_json(frame)


class Standin:
    """The account, its connections, and what came."""

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
        self.tasks: set[asyncio.Task] = set()

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
            if (refusal := await self.refusal(made)) is not None:
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

    async def refusal(self, new: Connection) -> web.Response | None:
        if not self.registered:
            return web.Response(status=401, text="the number is not registered")
        if new.epoch < self.epochs.get(new.shard, 0):
            return web.Response(status=409, text=f"epoch {self.epochs[new.shard]} has been connected")
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
        async for frame in connection.socket:
            if frame.type is WSMsgType.PING:
                await connection.socket.pong(frame.data)
            elif frame.type is WSMsgType.PONG:
                connection.ponged.set()
            elif frame.type is WSMsgType.TEXT:
                await self.take(connection, frame.json())

    async def take(self, connection: Connection, said: dict) -> None:
        if said["do"] == "send":
            self.received[said["id"]] += 1
            if self.hold:
                self.held.append((connection.shard, said["id"]))
            elif self.delay:
                self.later(self.confirm_late(connection.shard, said["id"]))
            else:
                await self.confirm(connection.shard, said["id"])
        elif said["do"] == "check_contacts":
            await connection.say({"call": said["call"], "result": {number: number for number in said["numbers"]}})
        elif said["do"] == "identity":
            await connection.say({"call": said["call"], "result": f"identity of {said['wa_id']}"})

    async def confirm_late(self, shard: int, message_id: str) -> None:
        await asyncio.sleep(self.delay)
        await self.confirm(shard, message_id)

    async def confirm(self, shard: int, message_id: str) -> None:
        """Say that a message was sent and delivered, to whoever is connected for its shard now."""
        for kind in ("sent", "delivered"):
            if (connection := self.live.get(shard)) is not None:
                await connection.say({"event": kind, "id": message_id, "timestamp": int(time.time())})

    def later(self, work) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # -- what a test does ----------------------------------------------------------------------------------------------

    async def state(self, _request: web.Request) -> web.Response:
        repeated = sum(count - 1 for count in self.received.values())
        connected = {str(shard): connection.epoch for shard, connection in self.live.items()}
        shown = {"banned": self.banned, "connected": connected, "received": len(self.received), "duplicates": repeated}
        return web.json_response({**shown, **self.counts})

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
