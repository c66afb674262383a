"""The engines use the proxy where images come from a registry. A running engine is not restarted while containers would stop."""

from __future__ import annotations

import pytest
from conftest import COREAPPS, HOSTS, PASSWORD, Lab, changed, wait_for
from forward_proxy import ForwardProxy
from plays import one_line

REGISTRY = ("-e", "images_source=registry")
FILES = "/etc/waba-docker-proxy.env /etc/systemd/system/docker.service.d/waba-proxy.conf"
STALE = "reads waba_proxy only when it starts, and is not restarted here: it runs"

pytestmark = pytest.mark.usefixtures("proxy")


def test_engine_with_containers_is_not_restarted_and_the_command_is_named(lab: Lab) -> None:
    before = lab.started()
    result = lab.site(*REGISTRY)
    output = one_line(result.stdout)
    assert result.returncode != 0, output
    assert STALE in output
    assert "systemctl restart docker" in output
    assert PASSWORD not in output
    assert lab.started() == before
    for name in HOSTS:
        assert lab.run(name, f"stat -c '%a %U' {FILES}").split("\n")[:2] == ["600 root", "644 root"]


def test_engine_uses_the_proxy_after_its_restart(lab: Lab, proxy: ForwardProxy) -> None:
    for name in HOSTS:
        lab.run(name, "systemctl restart docker")
    wait_for(lambda: lab.api("node1").is_healthy(COREAPPS), 180, "the cluster is healthy")
    assert changed(lab.site(*REGISTRY)) == 0
    lab.run("node3", "! docker pull registry.invalid/waba/node:v1")
    assert "CONNECT registry.invalid:443" in proxy.requests


def test_password_of_the_proxy_is_hidden_from_other_users(lab: Lab) -> None:
    lab.run("node3", "useradd --create-home guest")
    try:
        printed = lab.run(
            "node3",
            "su guest -c 'systemctl show docker; systemctl cat docker; cat /etc/waba-docker-proxy.env 2>&1 || true'",
        )
    finally:
        lab.run("node3", "userdel --remove guest")
    assert PASSWORD not in printed


def test_settings_of_the_engine_are_removed_with_the_registry(lab: Lab) -> None:
    before = lab.started()
    assert changed(lab.site()) > 0
    assert changed(lab.site()) == 0
    for name in HOSTS:
        lab.run(name, f"! ls {FILES}")
    assert lab.started() == before
