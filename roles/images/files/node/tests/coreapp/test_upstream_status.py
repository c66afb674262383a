"""A coreapp reports the state of an upstream whose sends are not idempotent."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from claiming_support import ScriptedUpstream
from tests.environment_support import ENVIRONMENT
from waba_node.config import NodeConfig
from waba_node.control.ownership import Grant
from waba_node.coreapp.process import Coreapp


@pytest.fixture
async def coreapp() -> Coreapp:
    made = Coreapp(NodeConfig.from_environment(ENVIRONMENT), ScriptedUpstream())
    made.schema_ready = True
    return made


async def test_a_restriction_is_reported_by_the_connected_coreapp_alone(coreapp: Coreapp) -> None:
    coreapp.upstream.restriction = "Meta blocks messages of the number"
    assert "problem" not in await coreapp.status({})
    coreapp.owner.connection = SimpleNamespace(grant=Grant(0, 1))
    status = await coreapp.status({})
    assert (status["gateway_status"], status["problem"]) == ("connected", "Meta blocks messages of the number")
    coreapp.upstream.restriction = ""
    assert "problem" not in await coreapp.status({})


async def test_a_refused_connection_is_reported_with_its_reason(coreapp: Coreapp) -> None:
    coreapp.owner.upstream_problem = "the number cannot be used: HTTP 401, code 190"
    status = await coreapp.status({})
    assert (status["gateway_status"], status["problem"]) == ("disconnected", coreapp.owner.upstream_problem)
