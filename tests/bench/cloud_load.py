"""Load for cloud.py, run in a container of the node's image: `cloud_load.py floor MESSAGES`, `cloud_load.py api MESSAGES`.

The floor is what nothing can exceed: the node's client of the Graph API posts the bodies, and does nothing else.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import uvloop

POSTS, CLIENTS = 250, 64  # at the same time: to the service, and to the API
PAUSE = 1.0  # seconds after a refusal
TEXT = "Your order is on its way."


def recipient(number: int) -> str:
    return f"1555{number % 10_000_000:07d}"


async def spread(count: int, concurrency: int, post: Callable[[int], Awaitable[None]]) -> dict[str, float]:
    """Post `count` messages, `concurrency` at the same time; return the measurements."""
    numbers = iter(range(count))

    async def client() -> None:
        for number in numbers:
            await post(number)

    began, used = time.monotonic(), time.process_time()
    await asyncio.gather(*(client() for _client in range(concurrency)))
    return {"seconds": time.monotonic() - began, "processor": time.process_time() - used}


async def floor(count: int) -> dict[str, float]:
    """Post the bodies that the node posts, with the node's client."""
    from waba_node.config import CloudConfig
    from waba_node.upstream.cloud.graph import GraphClient

    client = GraphClient.configured(CloudConfig.from_environment(os.environ))

    async def post(number: int) -> None:
        await client.send(
            {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": f"+{recipient(number)}",
                "type": "text",
                "text": {"body": TEXT, "preview_url": False},
                "biz_opaque_callback_data": f"floor:{number}",
            }
        )

    try:
        return await spread(count, POSTS, post)
    finally:
        await client.close()


async def api(count: int) -> dict[str, float]:
    """Post messages to the API of the cluster."""
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(ssl=False, limit=CLIENTS)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def post(number: int) -> None:
            message = {"to": recipient(number), "type": "text", "text": {"body": TEXT}}
            while True:
                async with session.post("https://webapp/v1/messages", data=json.dumps(message)) as response:
                    if response.status == 200:
                        return
                    print(f"HTTP {response.status}: {await response.text()}")
                await asyncio.sleep(PAUSE)

        return await spread(count, CLIENTS, post)


def main() -> None:
    work: dict[str, Callable[[int], Any]] = {"floor": floor, "api": api}
    print("RESULT", json.dumps(uvloop.run(work[sys.argv[1]](int(sys.argv[2])))))


if __name__ == "__main__":
    main()
