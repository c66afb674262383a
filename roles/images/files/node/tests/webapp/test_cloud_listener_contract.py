"""The webhook listener against the stand-in of the Cloud API, with which it shares no code."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.rehearsal.standin_support import SECRET, TOKEN, running
from tests.webapp.cloud_support import MemoryDatabase, StubWebapp, cloud_config, eventually, listening
from waba_node.upstream.cloud.graph import GraphClient
from waba_node.upstream.cloud.setup import set_up_account


async def test_url_is_verified_and_signed_webhooks_are_accepted(
    tasks: asyncio.TaskGroup, free_ports: Callable[[int], tuple[int, ...]]
) -> None:
    (port,) = free_ports(1)
    async with running(subscribed=False) as cloud:
        config = cloud_config(port, token=TOKEN, app_secrets=(SECRET,), base_url=cloud.address)
        async with listening(StubWebapp(MemoryDatabase(), tasks), config) as webhooks:
            client = GraphClient.configured(config)
            outcome = await set_up_account(client, config, f"http://127.0.0.1:{port}/whatsapp", check=False)
            await client.close()
            assert (outcome.problems, [action.done for action in outcome.actions]) == ([], [True, True])
            await cloud.send(text={"body": "Grüße 😀 / @"})
            await cloud.control("inbound", {"type": "text", "text": "Ä"})
            await eventually(lambda: sum(webhooks.metrics.updates.values()) == 3)
            assert webhooks.metrics.updates == {"status": 2, "message": 1}
            assert set(webhooks.metrics.requests) == {"verified", "accepted"}
