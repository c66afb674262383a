"""Support information (docs/reference/vendor-contract.md#support).

Our decisions: the call is restricted to administrators, and the answering webapp is one of the nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from ...rpc import RpcError
from ...runtime.support import support_info
from ..errors import ApiError
from ..fan_out import call_every_node
from ..schema.monitoring import Support
from .table import ADMIN, Call, CallTable, Result

if TYPE_CHECKING:
    from ..process import Webapp


async def support(webapp: Webapp, _request: web.Request) -> Result:
    """GET /v1/support: versions, schema, health and free space of every node, without secrets."""
    answers = {node.node_id: answer for node, answer in (await call_every_node(webapp, "support")).items()}
    answers[webapp.config.node_id] = await support_info(webapp)
    return 200, {
        "support": {
            node: {"errors": [ApiError(1014, answer.details).as_dict()]} if isinstance(answer, RpcError) else answer
            for node, answer in answers.items()
        }
    }


CALLS: CallTable = [
    Call("GET", "/v1/support", ADMIN, support, answers={200: Support}),
]
