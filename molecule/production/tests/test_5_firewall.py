"""The firewall on real hosts: who reaches what, from outside; what belongs to others; a boot; and off again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import yaml
from conftest import CLUSTER_HOSTS, COREAPPS, HOSTS, INVENTORY, Api, Lab, changed, figure, play, wait_for

SETTINGS = INVENTORY / "group_vars/all/firewall.yml"
OWN = "coreapp1"  # the host on which somebody else has a container and rules
FOREIGN_PORT = 8099
FOREIGN_RULES = ("INPUT -s 203.0.113.9/32 -j DROP", "DOCKER-USER -s 203.0.113.9/32 -j DROP")
TRY = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def met(target):
    try:
        socket.create_connection(target, timeout=5).close()
        return "open"
    except OSError as error:
        return type(error).__name__
with ThreadPoolExecutor(32) as pool:
    print(json.dumps(list(pool.map(met, map(tuple, json.loads(sys.argv[1]))))))
"""


def members() -> list[str]:
    """Return the hosts of the cluster, with the one that has joined by now."""
    return [*CLUSTER_HOSTS, *(["spare1"] if (INVENTORY / "3-added.yml").exists() else [])]


def whole(api: Api) -> bool:
    return api.is_healthy(COREAPPS + len(members()) - len(CLUSTER_HOSTS))


class Visitor:
    """A machine on the lab's network that is no host of the cluster."""

    def __init__(self, lab: Lab) -> None:
        self.container = lab.engine.containers.run(
            "waba/node:v1.0.0", ["sleep", "infinity"], entrypoint="", network=lab.network.name, detach=True, init=True
        )
        self.container.reload()
        self.address = self.container.attrs["NetworkSettings"]["Networks"][lab.network.name]["IPAddress"]

    def tries(self, targets: list[tuple[str, int]]) -> dict[tuple[str, int], str]:
        """Return what trying to connect met, by (host, port): "open", or an error's name."""
        told = json.dumps([(HOSTS[host]["ansible_host"], port) for host, port in targets])
        status, output = self.container.exec_run(["python3", "-c", TRY, told])
        assert status == 0, output.decode()
        return dict(zip(targets, json.loads(output), strict=True))


def published(lab: Lab) -> dict[str, list[tuple[str, int]]]:
    """Return what the hosts publish for the cluster: role -> (host, port)."""
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
    """A stranger, and one who is named as a user of the API."""
    both = Visitor(lab), Visitor(lab)
    foreign = (
        f"docker run -d --name foreign -p {FOREIGN_PORT}:80 --entrypoint python3 waba/node:v1.0.0 -m http.server 80"
    )
    lab.run(OWN, "; ".join([foreign, *(f"iptables -I {rule}" for rule in FOREIGN_RULES)]))
    yield both
    for visitor in both:
        visitor.container.remove(force=True)


def test_the_rules_come_without_a_restart_and_once(lab: Lab, api: Api, visitors: tuple[Visitor, Visitor]) -> None:
    stranger, named = visitors
    gateway = lab.network.attrs["IPAM"]["Config"][0].get("Gateway") or re.sub(r"\d+$", "1", stranger.address)
    settings = {"waba_firewall": True, "waba_firewall_api_sources": [named.address, f"{gateway}/32"]}
    before = lab.started(*members())
    assert changed(play("playbooks/site.yml", "--check", "-e", json.dumps(settings))) == len(members())
    assert "WABA" not in rules(lab, OWN)
    SETTINGS.write_text(yaml.safe_dump(settings), encoding="utf-8")
    assert changed(play("playbooks/site.yml")) == len(members())
    assert changed(play("playbooks/site.yml")) == 0
    assert changed(play("playbooks/site.yml", "--check", "--diff")) == 0
    assert lab.started(*members()) == before
    wait_for(lambda: whole(api) and api.accepts("from a named source"), 30, "the cluster serves behind it")


def test_strangers_are_refused_and_who_is_named_reaches_the_api_alone(
    lab: Lab, visitors: tuple[Visitor, Visitor]
) -> None:
    stranger, named = visitors
    ours = published(lab)
    assert set(ours) == {"mysql", "master", "coreapp", "webapp"}
    everything = [target for targets in ours.values() for target in targets]
    assert set(stranger.tries(everything).values()) == {"ConnectionRefusedError"}
    met = named.tries(everything)
    assert {target for target, answer in met.items() if answer == "open"} == set(ours["webapp"])
    figure("firewall", f"{len(everything)} published ports of {len(members())} hosts tried by a stranger, all refused")


def test_what_belongs_to_others_is_as_it_was(lab: Lab, visitors: tuple[Visitor, Visitor]) -> None:
    free = [(host, 22) for host in members()] + [(OWN, FOREIGN_PORT)]
    assert set(visitors[0].tries(free).values()) == {"open"}
    there = rules(lab, OWN).splitlines()
    assert [rule for rule in FOREIGN_RULES if f"-A {rule}" not in there] == []
    # A container of somebody else calls a port of ours at a machine that is none of ours.
    listen = "python3 -m http.server 6250"
    visitors[0].container.exec_run(["sh", "-c", listen], detach=True)
    call = f"import socket; socket.create_connection(('{visitors[0].address}', 6250), timeout=5)"
    wait_for(lambda: visitors[1].container.exec_run(["python3", "-c", call]).exit_code == 0, 10, "it listens")
    lab.run(OWN, f'docker exec foreign python3 -c "{call}"')


def test_they_are_there_after_dockers_restart_and_after_a_boot(
    lab: Lab, api: Api, visitors: tuple[Visitor, Visitor]
) -> None:
    before = [line for line in rules(lab, OWN).splitlines() if "WABA" in line and not line.startswith(":")]
    lab.run(OWN, "iptables -D DOCKER-USER -j WABA-FW-waba; systemctl restart docker")
    after = rules(lab, OWN).splitlines()
    assert sorted(line for line in after if "WABA" in line and not line.startswith(":")) == sorted(before)
    assert [rule for rule in FOREIGN_RULES if f"-A {rule}" not in after] == []
    lab.host(OWN).restart()
    ports = [target for targets in published_later(lab).values() for target in targets if target[0] == OWN]
    assert ports
    assert set(visitors[0].tries(ports).values()) == {"ConnectionRefusedError"}
    wait_for(lambda: whole(api), 120, "the host's containers are back, and reach the others")
    assert changed(play("playbooks/site.yml")) == 0, "a boot makes what a run makes"


def published_later(lab: Lab) -> dict[str, list[tuple[str, int]]]:
    """Return `published` once the host that boots has its containers back."""
    wait_for(
        lambda: lab.host(OWN).exec_run(["sh", "-c", "docker ps -q | grep -q ."]).exit_code == 0,
        60,
        "its engine runs the containers",
    )
    return published(lab)


def test_a_host_that_joins_is_let_in_by_the_run_that_brings_it(
    lab: Lab, api: Api, visitors: tuple[Visitor, Visitor]
) -> None:
    before = lab.started(*CLUSTER_HOSTS)
    changed(play("playbooks/remove_node.yml", "-e", "waba_remove=spare1"))
    added = INVENTORY / "3-added.yml"
    groups = added.read_text(encoding="utf-8")
    added.unlink()
    try:
        assert changed(play("playbooks/firewall.yml")) == len(CLUSTER_HOSTS), "the others know it no more"
    finally:
        added.write_text(groups, encoding="utf-8")
    told = play("playbooks/preflight.yml")
    assert changed(told) == 0
    assert "db1 refuses spare1" in " ".join(told.stdout.split())
    joined = play("playbooks/site.yml")
    assert changed(joined) > 0
    assert "Reach again | Try what was refused" in joined.stdout
    wait_for(lambda: whole(api), 60, "its coreapp stands by")
    assert lab.started(*CLUSTER_HOSTS) == before
    assert changed(play("playbooks/site.yml")) == 0


def test_off_takes_them_away_and_on_brings_them_back(lab: Lab, visitors: tuple[Visitor, Visitor]) -> None:
    assert changed(play("playbooks/site.yml", "-e", "waba_firewall=false")) == len(members())
    assert changed(play("playbooks/site.yml", "-e", "waba_firewall=false")) == 0
    assert [host for host in members() if "WABA" in rules(lab, host)] == []
    assert (
        lab.run(OWN, "ls /etc/systemd/system | grep waba || true; ls -d /etc/waba-firewall 2>/dev/null || true") == ""
    )
    assert changed(play("playbooks/firewall.yml")) == len(members())  # for the uninstall to take away
