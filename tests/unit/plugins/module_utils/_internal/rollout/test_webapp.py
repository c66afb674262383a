# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.rollout.webapp import webapp_host, webapp_url


def node(**values: Any) -> dict[str, Any]:
    return {"role": "webapp", "state": "running", "address": "", "ports": [9090], **values}


def test_first_host_with_a_running_webapp_is_asked() -> None:
    found = {
        "web1": {"nodes": [node(state="exited")]},
        "web2": {"nodes": [node(role="master"), node()]},
        "web3": {"nodes": [node()]},
    }
    assert webapp_host(found, ["web1", "web2", "web3"]) == "web2"


def test_first_host_is_asked_when_no_webapp_runs() -> None:
    assert (
        webapp_host({"web2": {"nodes": [node(state="exited")]}, "web3": {"msg": "unreachable"}}, ["web1", "web2"])
        == "web1"
    )


def test_running_webapp_is_preferred() -> None:
    assert webapp_url([node(state="exited", ports=[1]), node(ports=[2])]) == "https://localhost:2"


def test_published_address_is_used() -> None:
    assert webapp_url([node(address="192.0.2.1")]) == "https://192.0.2.1:9090"
    assert webapp_url([node(address="::1")]) == "https://[::1]:9090"
    assert webapp_url([node(address="0.0.0.0")]) == "https://localhost:9090"


def test_default_port_is_used_without_a_webapp() -> None:
    assert webapp_url([node(role="master"), node(ports=[])]) == "https://localhost:9090"
