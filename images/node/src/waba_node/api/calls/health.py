"""The health of the cluster (vendor facts, section 2.3)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from ...store import cluster
from ...wire import PortName, WireError
from ..answers import ClusterHealth
from ..errors import ApiError
from .table import KEY, Call, CallTable

if TYPE_CHECKING:
    from ...webapp import Webapp

HEALTH_TIMEOUT = 2.0  # seconds


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


CALLS: CallTable = [
    Call("GET", "/v1/health", KEY, health, answers={200: ClusterHealth}),
]
