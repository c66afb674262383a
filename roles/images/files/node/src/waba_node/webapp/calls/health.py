"""The health of the cluster (docs/reference/vendor-contract.md#health)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from ...address import NodeAddress
from ...rpc import RpcError
from ...store import master_lease
from ..errors import ApiError
from ..fan_out import call_every_node
from ..schema.monitoring import ClusterHealth
from .table import KEY, Call, CallTable, Result

if TYPE_CHECKING:
    from ..process import Webapp


async def health(webapp: Webapp, _request: web.Request) -> Result:
    """GET /v1/health: role and gateway status of every master and coreapp."""
    answers = await call_every_node(webapp, "status")
    async with webapp.database.begin() as connection:
        primary = await master_lease.find_primary_master(connection)
    return 200, {"health": {node.node_id: _node_health(node, answers[node], primary) for node in answers}}


def _node_health(node: NodeAddress, answer: dict[str, Any] | RpcError, primary: NodeAddress | None) -> dict[str, Any]:
    if isinstance(answer, dict):
        entry = {"gateway_status": answer["gateway_status"], "role": answer["role"]}
        problem = answer.get("problem")  # of a coreapp that the upstream refuses
        return {**entry, "errors": [ApiError(1014, problem).as_dict()]} if problem else entry
    master_role = "primary_master" if node == primary else "secondary_master"
    return {
        "gateway_status": "disconnected",
        "role": "coreapp" if node.role == "coreapp" else master_role,
        "errors": [ApiError(1014, answer.details).as_dict()],
    }


CALLS: CallTable = [
    Call("GET", "/v1/health", KEY, health, answers={200: ClusterHealth}),
]
