# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import engine_proxy
from ansible_collections.waba.cluster.plugins.module_utils._internal.egress import variables

PROXY = {"url": "http://user:secret@proxy.example.com:3128", "direct": ["mirror"], "hosts": ["core1"]}


def test_only_root_reads_the_file_with_the_password() -> None:
    found = engine_proxy.files(PROXY)
    environment, drop_in = found[engine_proxy.ENVIRONMENT_FILE], found[engine_proxy.DROP_IN]
    assert environment
    assert drop_in
    assert (f'HTTPS_PROXY="{PROXY["url"]}"\n' in environment[0], environment[1]) == (True, 0o600)
    assert "secret" not in drop_in[0]


def test_files_are_removed_without_a_proxy() -> None:
    assert set(engine_proxy.files(None).values()) == {None}


@pytest.mark.parametrize(
    ("change", "stale"),
    [
        ({}, False),
        ({"hosts": ["core1", "core2"]}, False),
        ({"direct": []}, False),
        ({"direct": ["mirror", "other"]}, True),
        ({"url": "http://user:new@proxy.example.com:3128"}, True),
    ],
)
def test_engine_is_stale_when_it_would_take_another_way(change: dict[str, object], stale: bool) -> None:
    assert engine_proxy.is_stale(variables(PROXY), {**PROXY, **change}) is stale


def test_engine_that_was_started_without_a_proxy_is_stale() -> None:
    assert engine_proxy.is_stale({}, PROXY)
    assert not engine_proxy.is_stale(variables(PROXY), None)
