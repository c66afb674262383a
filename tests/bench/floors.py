"""Two upper bounds of the throughput, measured in a container of the node's image: `floors.py insert SECONDS`, `floors.py constant PORT`."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import time

import uvloop

UNUSED_BUCKET = 9999  # no coreapp sends from it
PAYLOAD = {"to": "15550000001", "type": "text", "text": {"body": "Your order is on its way."}}


async def insert(seconds: float) -> None:
    """Insert the same rows with the same driver and as many connections, each row in its own transaction."""
    from waba_node.config import NodeConfig
    from waba_node.store import outbox
    from waba_node.store.engine import CONNECTIONS, Database

    database = Database(NodeConfig.from_environment(os.environ).database)
    until, stored = time.monotonic() + seconds, 0

    async def client() -> None:
        nonlocal stored
        while time.monotonic() < until:
            name = f"floor{secrets.token_hex(12)}"
            row = outbox.as_row(
                {"message_id": name, "bucket": UNUSED_BUCKET, "recipient": "15550000001", "payload": PAYLOAD}
            )
            async with database.begin() as connection:
                await outbox.store_messages(connection, [row])
            stored += 1

    began = time.monotonic()
    await asyncio.gather(*(client() for _number in range(CONNECTIONS)))
    print(f"RESULT {stored / (time.monotonic() - began):.1f}")
    await database.close()


def constant(port: int) -> None:
    """Answer each call with a constant over TLS, with the HTTP server of the webapp."""
    from aiohttp import web
    from waba_node.webapp import certificate

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text='{"messages": [{"id": "constant"}]}', content_type="application/json")

    application = web.Application()
    application.router.add_post("/v1/messages", answer)
    tls = certificate.ServedCertificate("/tmp/constant", "constant").front
    web.run_app(application, port=port, ssl_context=tls, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    if sys.argv[1] == "insert":
        uvloop.run(insert(float(sys.argv[2])))
    else:
        constant(int(sys.argv[2]))
