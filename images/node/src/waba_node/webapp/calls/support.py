"""What those who help want to know (vendor facts, section 2.9). Ours: for admins alone, and the answering webapp is among the nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from ...rpc import RpcError
from ...runtime.support import support_info
from ..answers import Support
from ..errors import ApiError
from ..fan_out import ask_everyone
from .table import ADMIN, Call, CallTable

if TYPE_CHECKING:
    from ..process import Webapp


async def support(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """GET /v1/support: versions, schema, health and free space of every node; never a secret."""
    answers = {address.node_id: answer for address, answer in (await ask_everyone(webapp, "support")).items()}
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
