"""Engines with options that operators set (prepare.yml): published ports and reasons of failures do not depend on them."""

from __future__ import annotations

import json

from conftest import HOSTS, Lab, play
from plays import one_line

LOOPBACK_HOST, SILENT_HOST = "webapp1", "master2"
PROBE = "docker run -d --name probe --network probe -p 8098:80 --entrypoint sleep waba/node:v1.0.0 60"
PORTS = "docker inspect -f '{{json .NetworkSettings.Ports}}'"


def test_ports_are_published_on_an_engine_that_binds_them_to_loopback(lab: Lab) -> None:
    try:
        lab.run(LOOPBACK_HOST, f"docker network create probe && {PROBE}")
        assert bindings(lab, "probe") == {"127.0.0.1"}
    finally:
        lab.run(LOOPBACK_HOST, "docker rm -f probe; docker network rm probe")
    assert bindings(lab, "waba-webapp-waweb-1") == {"0.0.0.0"}
    lab.run("db1", f"timeout 5 bash -c 'echo > /dev/tcp/{HOSTS[LOOPBACK_HOST]['ansible_host']}/9090'")


def bindings(lab: Lab, container: str) -> set[str]:
    """Return the addresses on which the engine publishes the ports of a container."""
    published = json.loads(lab.run(LOOPBACK_HOST, f"{PORTS} {container}"))
    return {binding["HostIp"] for bindings in published.values() for binding in bindings or []}


def test_logs_are_rotated_unless_the_engine_stores_none(lab: Lab) -> None:
    log = "docker inspect -f '{{json .HostConfig.LogConfig}}'"
    rotated = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "5"}}
    assert json.loads(lab.run("db1", f"{log} waba-db-db-1")) == rotated
    assert json.loads(lab.run(LOOPBACK_HOST, f"{log} waba-webapp-waweb-1")) == rotated
    assert json.loads(lab.run(SILENT_HOST, f"{log} waba-master-master-1"))["Type"] == "none"


def test_a_node_runs_as_a_user_without_capabilities_and_has_a_read_only_root(lab: Lab) -> None:
    node = "docker exec waba-webapp-waweb-1"
    status = lab.run(LOOPBACK_HOST, f"{node} cat /proc/1/status")
    assert "Uid:\t10002\t10002\t10002\t10002\n" in status
    assert "CapEff:\t0000000000000000\n" in status
    assert "CapPrm:\t0000000000000000\n" in status
    assert "NoNewPrivs:\t1\n" in status
    assert "Read-only file system" in lab.run(LOOPBACK_HOST, f"{node} touch /file 2>&1 || true")
    limits = "docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}' waba-webapp-waweb-1"
    assert lab.run(LOOPBACK_HOST, limits).split() == [str(512 << 20), "256"]


def test_failure_on_an_engine_without_logs_has_the_reason_of_the_health_check(lab: Lab) -> None:
    assert lab.run(SILENT_HOST, "docker info -f '{{.LoggingDriver}}'").strip() == "none"
    rule = "DOCKER-USER -p tcp --dport 3306 -j REJECT --reject-with tcp-reset"
    assert play("playbooks/stop.yml", "--limit", SILENT_HOST).returncode == 0
    lab.run(SILENT_HOST, f"iptables -I {rule}")
    try:
        result = play("playbooks/start.yml", "--limit", SILENT_HOST, "-e", "waba_wait_timeout=30")
    finally:
        lab.run(SILENT_HOST, f"iptables -D {rule}")
    output = one_line(result.stdout)
    assert result.returncode != 0, output
    # A node that waits for the database has no health port yet.
    assert "Its last health check reported: " in output
    assert "Connection refused" in output
    assert "logging driver does not support reading" in output
    assert play("playbooks/start.yml", "--limit", SILENT_HOST).returncode == 0
