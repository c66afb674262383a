"""A cluster on hosts without IPv4 addresses, one of which gets its packages through a proxy with a password."""

from __future__ import annotations

import socket
import time

import pytest
from conftest import COREAPPS, HOSTS, PASSWORD, WEBAPPS, Lab, changed, connected, wait_for
from figures import figure
from forward_proxy import ForwardProxy
from plays import refusal

PATTERN, LEAKS, WATCHER = "/run/test-pattern", "/run/test-leaks", "/run/test-watcher"
# Lists the processes of the host whose command line has the password, while a playbook runs.
LOOP = f"while sleep 0.05; do grep -laFf {PATTERN} /proc/[0-9]*/cmdline; done"
WATCH = f"nohup sh -c '{LOOP}' >{LEAKS} 2>/dev/null & echo $! >{WATCHER}"
FAILOVER_LIMIT = 90  # seconds; the failure detector has its default interval of 30 s


def test_hosts_have_no_ipv4_address(lab: Lab) -> None:
    for name in HOSTS:
        assert lab.run(name, "ip -4 -o address show dev eth0") == ""


def test_missing_setting_is_named_before_anything_is_touched(lab: Lab) -> None:
    output = refusal(lab.site("-e", "waba_ipv6=false"))
    assert "other hosts have IPv6 addresses only, which containers do not reach without it" in output


def test_host_without_docker_is_installed_through_the_proxy(lab: Lab, proxy: ForwardProxy) -> None:
    lab.run("node3", f"umask 077; printf %s '{PASSWORD}' >{PATTERN}")
    lab.run("node3", WATCH)  # in a command of its own, whose line does not have the password
    began = time.monotonic()
    result = lab.site("-vv")
    lab.run("node3", f"kill $(cat {WATCHER}); rm {PATTERN} {WATCHER}")
    assert changed(result) > 0
    figure("site.yml on three hosts, one without Docker", f"{time.monotonic() - began:.0f} s")
    packages = [request for request in proxy.requests if ".deb" in request]
    figure("packages through the proxy", len(packages))
    assert any("/docker.io_" in request for request in packages), proxy.requests
    assert PASSWORD not in result.stdout + result.stderr
    assert lab.run("node3", f"cat {LEAKS}; rm {LEAKS}") == "", "a command line had the password"


def test_no_file_has_the_password_afterwards(lab: Lab) -> None:
    """The engine needs the proxy for a registry only, and apt during the installation only."""
    for name in HOSTS:
        found = lab.run(name, f"grep -rlF {PASSWORD} /etc /opt /run /tmp /var/log /var/tmp /root 2>/dev/null || true")
        assert found == "", name


def test_messages_are_accepted_at_every_webapp(lab: Lab) -> None:
    apis = [lab.api(name) for name in WEBAPPS]
    wait_for(lambda: apis[0].is_healthy(COREAPPS), 90, "the cluster is healthy")
    for api in apis:
        assert api.send("by IPv6").status_code == 200


def test_second_run_changes_nothing_and_restarts_nothing(lab: Lab) -> None:
    before = lab.started()
    assert changed(lab.site()) == 0
    assert changed(lab.site("--check", "--diff")) == 0
    assert lab.started() == before


def test_firewall_opens_webapps_to_this_machine_and_coreapps_to_the_hosts_only(lab: Lab) -> None:
    address = lab.addresses["node1"]["ansible_host"]
    socket.create_connection((address, 9090), timeout=3).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, 6250), timeout=3)
    lab.run("node2", f"timeout 3 bash -c '</dev/tcp/{address}/6250'")


def test_shard_moves_when_its_coreapp_is_killed(lab: Lab) -> None:
    api = lab.api("node1")
    wait_for(lambda: api.is_healthy(COREAPPS), 90, "the cluster is healthy")
    (former,) = connected(api)
    host = lab.host_of(former)
    lab.run(host, f"docker kill {former.rpartition(':')[2]}")
    seconds = wait_for(lambda: connected(api) not in ([], [former]), FAILOVER_LIMIT, "another coreapp is connected")
    figure("another coreapp connected after a kill", f"{seconds:.1f} s")
    wait_for(lambda: api.accepts("after the move"), 30, "a message is accepted")
    assert changed(lab.site()) > 0, "the killed coreapp starts again"
    wait_for(lambda: api.is_healthy(COREAPPS), 120, "the cluster is healthy")
