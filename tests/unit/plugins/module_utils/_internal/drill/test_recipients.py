# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.recipients import (
    NUMBERS,
    bucket_of,
    one_for_each_shard,
)

SHARDING = Path(__file__).parents[6] / "roles/images/files/node/src/waba_node/control/sharding.py"


@pytest.fixture
def sharding(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The node's module, which is no part of the collection."""
    package = types.ModuleType("waba_node_control")
    package.__path__ = [str(SHARDING.parent)]
    monkeypatch.setitem(sys.modules, package.__name__, package)
    specification = importlib.util.spec_from_file_location(f"{package.__name__}.sharding", SHARDING)
    assert specification is not None
    assert specification.loader is not None
    loaded = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(loaded)
    return loaded


def test_buckets_are_those_of_the_node(sharding: Any) -> None:
    assert [bucket_of(number) for number in NUMBERS] == [sharding.bucket_of(number) for number in NUMBERS]


def test_every_number_of_shards_has_a_recipient_in_each(sharding: Any) -> None:
    for shards in sharding.ALLOWED:
        found = one_for_each_shard(shards)
        assert [sharding.shard_of(number, shards) for number in found] == list(range(shards))
