# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import engine, webapp_certificate
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError

PEM = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n"


def webapp(port: int, state: str = "running") -> dict[str, Any]:
    bindings = {"443/tcp": [{"HostIp": "", "HostPort": str(port)}]}
    return {"Id": f"c{port}", "Name": "/web", "State": {"Status": state}, "HostConfig": {"PortBindings": bindings}}


def engine_with(monkeypatch: pytest.MonkeyPatch, containers: list[dict[str, Any]], status: int, output: str) -> list:
    """Let the engine have these webapps, and each command in one of them end so. Return the containers in which a command ran."""
    ran: list[str] = []
    by_id = {container["Id"]: container for container in containers}
    api = SimpleNamespace(
        containers=lambda **_filters: list(by_id.values()),
        inspect_container=by_id.get,
        exec_create=lambda container, _command: ran.append(container) or {"Id": "e1"},
        exec_start=lambda _run: output.encode(),
        exec_inspect=lambda _run: {"ExitCode": status},
    )
    monkeypatch.setattr(engine, "connect", lambda: SimpleNamespace(api=api))
    return ran


def test_the_certificate_is_read_in_the_webapp_that_publishes_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = engine_with(monkeypatch, [webapp(9090), webapp(9091)], 0, PEM)
    assert webapp_certificate.read("waba", 9091) == b"\0\1\2"
    assert ran == ["c9091"]


def test_an_image_without_python_has_no_known_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    engine_with(monkeypatch, [webapp(9090)], webapp_certificate.NO_PYTHON, "")
    assert webapp_certificate.read("waba", 9090) is None


@pytest.mark.parametrize("found", [[], [webapp(9091)], [webapp(9090, "exited")]])
def test_a_port_without_a_running_webapp_is_an_error(monkeypatch: pytest.MonkeyPatch, found: list) -> None:
    engine_with(monkeypatch, found, 0, PEM)
    with pytest.raises(HostError, match="no running webapp of the cluster waba publishes the port 9090"):
        webapp_certificate.read("waba", 9090)


def test_a_webapp_that_does_not_listen_yet_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    engine_with(monkeypatch, [webapp(9090)], 1, "ConnectionRefusedError")
    with pytest.raises(HostError, match="web serves no certificate yet"):
        webapp_certificate.read("waba", 9090)
