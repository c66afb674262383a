"""The firewall on hosts: access from outside, foreign rules and containers, a boot, and removal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import yaml
from conftest import CLUSTER_HOSTS, COREAPPS, HOSTS, INVENTORY, Api, Lab, changed, play, wait_for
from figures import figure
from steps import PROBE_AGAIN

SETTINGS = INVENTORY / "group_vars/all/firewall.yml"
FOREIGN_HOST = "coreapp1"  # the host with a foreign container and foreign rules
FOREIGN_PORT = 8099
FOREIGN_RULES = ("INPUT -s 203.0.113.9/32 -j DROP", "DOCKER-USER -s 203.0.113.9/32 -j DROP")
TRY = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def connect(target):
    try:
        socket.create_connection(target, timeout=5).close()
        return "open"
    except OSError as error:
        return type(error).__name__
with ThreadPoolExecutor(32) as pool:
    print(json.dumps(list(pool.map(connect, map(tuple, json.loads(sys.argv[1]))))))
"""


def members() -> list[str]:
    """Return the hosts of the cluster, with the host that joined."""
    return [*CLUSTER_HOSTS, *(["spare1"] if (INVENTORY / "3-added.yml").exists() else [])]


def is_healthy(api: Api) -> bool:
    return api.is_healthy(COREAPPS + len(members()) - len(CLUSTER_HOSTS))


class Visitor:
    """A machine on the network of the lab that is not in the cluster."""

    def __init__(self, lab: Lab) -> None:
        self.container = lab.engine.containers.run(
            "waba/node:v1.0.0", ["sleep", "infinity"], entrypoint="", network=lab.network.name, detach=True, init=True
        )
        self.container.reload()
        self.address = self.container.attrs["NetworkSettings"]["Networks"][lab.network.name]["IPAddress"]

    def tries(self, targets: list[tuple[str, int]]) -> dict[tuple[str, int], str]:
        """Try to connect to each (host, port); return "open" or the name of the error for each."""
        addresses = json.dumps([(HOSTS[host]["ansible_host"], port) for host, port in targets])
        status, output = self.container.exec_run(["python3", "-c", TRY, addresses])
        text = output.decode()
        assert status == 0, text
        return dict(zip(targets, json.loads(text), strict=True))


def published(lab: Lab) -> dict[str, list[tuple[str, int]]]:
    """Return the published ports of the cluster: role -> (host, port)."""
    script = "docker ps --filter label=waba.cluster.name=waba --format '{{.Label \"waba.cluster.role\"}} {{.Ports}}'"
    found: dict[str, list[tuple[str, int]]] = {}
    for host in members():
        for line in lab.run(host, script).splitlines():
            role, _space, ports = line.partition(" ")
            for first, last in re.findall(r"0\.0\.0\.0:(\d+)(?:-(\d+))?->", ports):
                found.setdefault(role, []).extend((host, port) for port in range(int(first), int(last or first) + 1))
    return found


def rules(lab: Lab, host: str) -> str:
    return lab.run(host, "iptables-save -t filter; ip6tables-save -t filter")


@pytest.fixture(scope="module")
def visitors(lab: Lab) -> Iterator[tuple[Visitor, Visitor]]:
    """A visitor without access, and one in waba_firewall_api_sources."""
    visitors = Visitor(lab), Visitor(lab)
    foreign = (
        f"docker run -d --name foreign -p {FOREIGN_PORT}:80 --entrypoint python3 waba/node:v1.0.0 -m http.server 80"
    )
    lab.run(FOREIGN_HOST, "; ".join([foreign, *(f"iptables -I {rule}" for rule in FOREIGN_RULES)]))
    yield visitors
    for visitor in visitors:
        visitor.container.remove(force=True)


def test_rules_are_applied_once_without_a_restart(lab: Lab, api: Api, visitors: tuple[Visitor, Visitor]) -> None:
    stranger, permitted = visitors
    gateway = lab.network.attrs["IPAM"]["Config"][0].get("Gateway") or re.sub(r"\d+$", "1", stranger.address)
    settings = {"waba_firewall": True, "waba_firewall_api_sources": [permitted.address, f"{gateway}/32"]}
    before = lab.started(*members())
    plan = play("playbooks/site.yml", "--check", "-e", json.dumps(settings)).stdout
    rows = re.findall(r"^ +((?:\w+, )*\w+) +firewall ", plan, re.MULTILINE)
    assert {host for row in rows for host in row.split(", ")} == set(members()), plan
    assert "WABA" not in rules(lab, FOREIGN_HOST)
    SETTINGS.write_text(yaml.safe_dump(settings), encoding="utf-8")
    assert changed(play("playbooks/site.yml")) == len(members())
    assert changed(play("playbooks/site.yml")) == 0
    assert changed(play("playbooks/site.yml", "--check", "--diff")) == 0
    assert lab.started(*members()) == before
    wait_for(
        lambda: is_healthy(api) and api.accepts("from a permitted source"), 30, "the cluster serves behind the firewall"
    )


def test_stranger_is_refused_and_permitted_source_reaches_the_api_only(
    lab: Lab, visitors: tuple[Visitor, Visitor]
) -> None:
    stranger, permitted = visitors
    ports_by_role = published(lab)
    assert set(ports_by_role) == {"mysql", "master", "coreapp", "webapp"}
    everything = [target for targets in ports_by_role.values() for target in targets]
    assert set(stranger.tries(everything).values()) == {"ConnectionRefusedError"}
    answers = permitted.tries(everything)
    assert {target for target, answer in answers.items() if answer == "open"} == set(ports_by_role["webapp"])
    figure("firewall", f"{len(everything)} published ports of {len(members())} hosts tried by a stranger, all refused")


def test_foreign_rules_and_containers_are_not_affected(lab: Lab, visitors: tuple[Visitor, Visitor]) -> None:
    free = [(host, 22) for host in members()] + [(FOREIGN_HOST, FOREIGN_PORT)]
    assert set(visitors[0].tries(free).values()) == {"open"}
    there = rules(lab, FOREIGN_HOST).splitlines()
    assert [rule for rule in FOREIGN_RULES if f"-A {rule}" not in there] == []
    # A foreign container connects to a port that the cluster uses, on a machine outside the cluster.
    listen = "python3 -m http.server 6250"
    visitors[0].container.exec_run(["sh", "-c", listen], detach=True)
    call = f"import socket; socket.create_connection(('{visitors[0].address}', 6250), timeout=5)"
    wait_for(lambda: visitors[1].container.exec_run(["python3", "-c", call]).exit_code == 0, 10, "the visitor listens")
    lab.run(FOREIGN_HOST, f'docker exec foreign python3 -c "{call}"')


def test_rules_survive_a_restart_of_docker_and_a_boot(lab: Lab, api: Api, visitors: tuple[Visitor, Visitor]) -> None:
    before = [line for line in rules(lab, FOREIGN_HOST).splitlines() if "WABA" in line and not line.startswith(":")]
    lab.run(FOREIGN_HOST, "iptables -D DOCKER-USER -j WABA-FW-waba; systemctl restart docker")
    after = rules(lab, FOREIGN_HOST).splitlines()
    assert sorted(line for line in after if "WABA" in line and not line.startswith(":")) == sorted(before)
    assert [rule for rule in FOREIGN_RULES if f"-A {rule}" not in after] == []
    lab.host(FOREIGN_HOST).restart()
    ports = [
        target for targets in published_after_boot(lab).values() for target in targets if target[0] == FOREIGN_HOST
    ]
    assert ports
    assert set(visitors[0].tries(ports).values()) == {"ConnectionRefusedError"}
    wait_for(lambda: is_healthy(api), 120, "the host's containers are back, and reach the others")
    assert changed(play("playbooks/site.yml")) == 0, "the boot applies the same rules as a run"


def published_after_boot(lab: Lab) -> dict[str, list[tuple[str, int]]]:
    """Wait for the containers of the booting host; return the published ports."""
    wait_for(
        lambda: lab.host(FOREIGN_HOST).exec_run(["sh", "-c", "docker ps -q | grep -q ."]).exit_code == 0,
        60,
        "its engine runs the containers",
    )
    return published(lab)


def test_run_that_adds_a_host_opens_the_firewall_for_it(lab: Lab, api: Api, visitors: tuple[Visitor, Visitor]) -> None:
    before = lab.started(*CLUSTER_HOSTS)
    changed(play("playbooks/remove_node.yml", "-e", "waba_remove=spare1"))
    added = INVENTORY / "3-added.yml"
    groups = added.read_text(encoding="utf-8")
    added.unlink()
    try:
        assert changed(play("playbooks/firewall.yml")) == len(CLUSTER_HOSTS), (
            "the other hosts remove it from their rules"
        )
    finally:
        added.write_text(groups, encoding="utf-8")
    preflight = play("playbooks/preflight.yml")
    assert changed(preflight) == 0
    assert "db1 refuses spare1" in " ".join(preflight.stdout.split())
    joined = play("playbooks/site.yml")
    assert changed(joined) > 0
    assert PROBE_AGAIN in joined.stdout
    wait_for(lambda: is_healthy(api), 60, "its coreapp stands by")
    assert lab.started(*CLUSTER_HOSTS) == before
    assert changed(play("playbooks/site.yml")) == 0


def test_rules_are_removed_and_applied_again(lab: Lab, visitors: tuple[Visitor, Visitor]) -> None:
    assert changed(play("playbooks/site.yml", "-e", "waba_firewall=false")) == len(members())
    assert changed(play("playbooks/site.yml", "-e", "waba_firewall=false")) == 0
    assert [host for host in members() if "WABA" in rules(lab, host)] == []
    assert (
        lab.run(
            FOREIGN_HOST, "ls /etc/systemd/system | grep waba || true; ls -d /etc/waba-firewall 2>/dev/null || true"
        )
        == ""
    )
    assert changed(play("playbooks/firewall.yml")) == len(members())  # for the test of uninstall
