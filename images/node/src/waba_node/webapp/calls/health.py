"""The health of the cluster (vendor facts, section 2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from ...address import NodeAddress
from ...rpc import RpcError
from ...store import master_lease
from ..answers import ClusterHealth
from ..errors import ApiError
from ..fan_out import ask_everyone
from .table import KEY, Call, CallTable

if TYPE_CHECKING:
    from ..process import Webapp


async def health(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """GET /v1/health: how every master and coreapp is; all are asked at once."""
    answers = await ask_everyone(webapp, "status")
    async with webapp.database.begin() as connection:
        primary = await master_lease.find_primary_master(connection)
    return 200, {"health": {address.node_id: shown(address, answers[address], primary) for address in answers}}


def shown(address: NodeAddress, answer: dict | RpcError, primary: NodeAddress | None) -> dict:
    """Return what is said of one node."""
    if isinstance(answer, dict):
        return {"gateway_status": answer["gateway_status"], "role": answer["role"]}
    master = "primary_master" if address == primary else "secondary_master"
    return {
        "gateway_status": "disconnected",
        "role": "coreapp" if address.role == "coreapp" else master,
        "errors": [ApiError(1014, answer.details).as_dict()],
    }


CALLS: CallTable = [
    Call("GET", "/v1/health", KEY, health, answers={200: ClusterHealth}),
]
