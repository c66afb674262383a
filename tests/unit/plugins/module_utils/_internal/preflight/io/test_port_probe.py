# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two real processes and real sockets: one stands in for containers, the other tries to reach them."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import processes
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.io import port_probe as reach


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(autouse=True)
def own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests of other workers have stand-ins of their own."""
    monkeypatch.setattr(reach, "PROCESS_NAME", f"waba-{os.getpid()}")


StandIn = Callable[..., list[int]]


@pytest.fixture
def stand_in(own_name: str) -> Iterator[StandIn]:
    """Stand in on free ports; return these. What is left of it ends with the test."""

    def start(name: str, peers: list[str], seconds: float = 20, count: int = 4) -> list[int]:
        listeners, failed = reach.open_ports([{"address": "127.0.0.1", "port": 0, "peers": peers}] * count)
        assert failed == {}
        ports = [one.socket.getsockname()[1] for one in listeners]
        reach.serve_in_background(listeners, name, seconds)
        return ports

    yield start
    reach.stop_listeners()


def targets(
    ports: list[int], peer: str = "core1", name: str = "127.0.0.1", runs: bool = False, may_refuse: bool = False
) -> list[dict[str, Any]]:
    return [{"peer": peer, "name": name, "port": port, "runs": runs, "may_refuse": may_refuse} for port in ports]


def errors(attempts: list[dict[str, Any]]) -> list[str | None]:
    return [attempt["error"] for attempt in attempts]


def ended() -> bool:
    return processes.find(reach.PROCESS_NAME) == []


def test_a_listener_ends_when_every_peer_has_probed_every_port(stand_in: StandIn) -> None:
    ports = stand_in("core1", ["web1", "web2"])
    assert errors(reach.probe_all(targets(ports), "web1", 3)) == [None] * 4
    assert not wait_until(ended, 0.3)
    assert errors(reach.probe_all(targets(ports), "web2", 3)) == [None] * 4
    assert wait_until(ended, 3)
    with socket.create_server(("127.0.0.1", ports[0])):
        pass  # a container can have the port


def test_a_listener_does_not_wait_for_the_peers_of_another_port(own_name: str) -> None:
    wanted = [{"address": "127.0.0.1", "port": 0, "peers": peers} for peers in (["web1", "proxy1"], ["web1"])]
    listeners, _failed = reach.open_ports(wanted)
    webapp, database = (one.socket.getsockname()[1] for one in listeners)
    reach.serve_in_background(listeners, "core1", 20)
    try:
        assert errors(reach.probe_all(targets([webapp, database]), "web1", 3)) == [None, None]
        assert errors(reach.probe_all(targets([webapp]), "proxy1", 3)) == [None]
        assert wait_until(ended, 3), "no proxy connects to the database"
    finally:
        reach.stop_listeners()


def test_a_listener_ends_after_its_timeout(stand_in: StandIn) -> None:
    stand_in("core1", ["web1"], seconds=1)
    assert wait_until(ended, 5)


def test_a_name_that_leads_to_another_host_is_reported(stand_in: StandIn) -> None:
    ports = stand_in("core2", ["web1"], count=1)
    assert errors(reach.probe_all(targets(ports, peer="core1"), "web1", 3)) == ["the name leads to core2"]


def test_another_program_on_the_port_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (attempt,) = reach.probe_all(targets([port]), "web1", 1)
        assert attempt["error"] == "no answer"
        (attempt,) = reach.probe_all(targets([port], runs=True), "web1", 1)
        assert attempt["error"] is None


def test_errors_have_the_text_of_the_system() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    refused, unknown = reach.probe_all([*targets([port]), *targets([port], name="no-such-host.invalid")], "web1", 3)
    assert (refused["error"], refused["refused"]) == ("Connection refused", True)
    assert not unknown["refused"]
    assert errors(reach.probe_all(targets([port], may_refuse=True), "web1", 3)) == [None]
    assert "not known" in unknown["error"] or "resolution" in unknown["error"]


def test_a_second_check_stops_the_listeners_of_an_interrupted_one(stand_in: StandIn) -> None:
    stand_in("core1", ["nobody"])
    assert wait_until(lambda: not ended(), 3), "it has its name a moment after its birth"
    reach.stop_listeners()
    assert ended()


def test_address_of_ipv6_is_recognized() -> None:
    (attempt,) = reach.probe_all(targets([1], name="::1"), "master1", 0.2)
    assert attempt["ipv6_only"]
    (attempt,) = reach.probe_all(targets([1]), "master1", 0.2)
    assert not attempt["ipv6_only"]
