"""What a load balancer learns from a webapp, without a database: readiness, and the end of connections while it drains."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from waba_node.runtime.health import Health
from waba_node.webapp.metrics import Metrics
from waba_node.webapp.server import ApiServer


@pytest.fixture
def webapp() -> Any:
    """A webapp that is ready, as far as the root and the description of the API need it."""
    config = SimpleNamespace(client_version="v2.57.2", version="1.0.0", console=False, api_key="")
    return SimpleNamespace(config=config, metrics=Metrics(), health=Health(), schema_ready=True, draining=False)


@pytest.fixture
async def url(webapp: Any) -> AsyncIterator[str]:
    runner = web.AppRunner(ApiServer(webapp).application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def get(url: str) -> tuple[int, str]:
    """Return the status, and the header Connection ("" for none)."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, answer.headers.get("Connection", "")


async def test_ready_webapp_answers_and_stays_connected(url: str) -> None:
    assert await get(f"{url}/") == (200, "")
    assert await get(f"{url}/v1/openapi.json") == (200, "")


async def test_webapp_that_starts_is_not_ready(webapp: Any, url: str) -> None:
    webapp.schema_ready = False
    webapp.health.report("schema", "the schema does not exist yet")
    async with aiohttp.ClientSession() as session, session.get(f"{url}/") as answer:
        (error,) = (await answer.json())["errors"]
        assert (answer.status, error["code"], error["details"]) == (503, 1011, "the schema does not exist yet")


async def test_webapp_that_drains_serves_and_closes_each_connection(webapp: Any, url: str) -> None:
    webapp.draining = True
    assert await get(f"{url}/") == (503, "close")
    assert await get(f"{url}/v1/openapi.json") == (200, "close")
