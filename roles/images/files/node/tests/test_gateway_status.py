"""Every `gateway_status` of docs/reference/vendor-contract.md#health."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from waba_node.config import NodeConfig
from waba_node.control.ownership import Grant
from waba_node.control.promotion import Shard
from waba_node.coreapp.process import Coreapp
from waba_node.master.process import Master
from waba_node.upstream.loopback import Loopback

from tests.environment_support import ENVIRONMENT


class Registered(Loopback):
    requires_registration = True
    idempotent = True


@pytest.fixture
async def coreapp() -> Coreapp:
    made = Coreapp(NodeConfig.from_environment(ENVIRONMENT), Registered())
    made.schema_ready, made.number = True, "49151"
    return made


async def test_a_standby_is_disconnected(coreapp: Coreapp) -> None:
    assert coreapp.gateway_status() == "disconnected"


async def test_a_coreapp_without_a_schema_is_uninitialized(coreapp: Coreapp) -> None:
    coreapp.schema_ready, coreapp.number = False, ""
    assert coreapp.gateway_status() == "uninitialized"


async def test_a_coreapp_is_unregistered_where_the_upstream_requires_a_registration(coreapp: Coreapp) -> None:
    coreapp.number = ""
    assert coreapp.gateway_status() == "unregistered"
    coreapp.upstream = Loopback()
    assert coreapp.gateway_status() == "disconnected"


async def test_a_coreapp_is_connecting_and_then_connected(coreapp: Coreapp) -> None:
    coreapp.owner.connecting = True
    assert coreapp.gateway_status() == "connecting"
    coreapp.owner.connection = SimpleNamespace(grant=Grant(0, 1))
    assert coreapp.gateway_status() == "connected"


@pytest.mark.parametrize(
    ("primary", "owners", "expected"),
    [
        (True, ["a"], "disconnected"),
        (True, ["a", "b"], "connected"),
        (True, ["a", None], "disconnected"),
        (False, ["a", "b"], "disconnected"),
    ],
)
async def test_a_primary_master_is_connected_when_all_of_several_shards_have_an_owner(
    primary: bool, owners: list, expected: str
) -> None:
    master = Master(NodeConfig.from_environment({**ENVIRONMENT, "WA_MASTER_NODE": "1"}))
    master.schema_ready = True
    master.is_primary = lambda: primary
    master.shard_manager.shards = [Shard(index, owner, "i", 1, fenced=False) for index, owner in enumerate(owners)]
    assert master.gateway_status() == expected


async def test_a_master_without_a_schema_is_uninitialized() -> None:
    master = Master(NodeConfig.from_environment({**ENVIRONMENT, "WA_MASTER_NODE": "1"}))
    assert master.gateway_status() == "uninitialized"
