"""What else ends a run in its middle: the network to a host is cut, a host loses its power, a disk is full."""

from __future__ import annotations

import json

import state
from accidents import healed, struck, until_it_answers
from conftest import COREAPPS, NEXT, Undisturbed, figure, upgraded_state, webapp
from hosts import Hosts
from lab_runs import run
from trials import remove_cluster
from waiting import wait_for

OTHER = ("-e", json.dumps({"waba_environment": {"WA_LONG": "x" * 20_000}}))


def test_a_full_disk_leaves_every_file_whole(hosts: Hosts, site: Undisturbed) -> None:
    remove_cluster(hosts)  # of the later version, which other tests upgraded it to
    assert run(hosts, "site.yml").status == 0
    # A file system of its own, which is made to be full once preflight has seen that there is room.
    hosts.run(
        "master1",
        "cp -a /opt/waba /opt/kept; mount -t tmpfs tmpfs /opt/waba; cp -a /opt/kept/. /opt/waba; rm -r /opt/kept",
    )
    before = state.look(hosts)

    def fill() -> None:
        hosts.run("master1", "mount -o remount,size=$(du -sk /opt/waba | cut -f1)k /opt/waba")

    done = struck(hosts, "Files | Write", 0, fill, *OTHER)
    assert done.status != 0
    assert "Cannot write /opt/waba/db.env: No space left on device." in " ".join(done.output.split())
    after = state.look(hosts)
    assert after["master1"]["files"] == before["master1"]["files"]
    assert state.restarted(before, after, before) == []
    hosts.run("master1", "mount -o remount,size=2g /opt/waba")
    healed(hosts, "a disk was full while files were written", site.state, after)
    hosts.run("master1", "cp -a /opt/waba /opt/kept; umount /opt/waba; rm -r /opt/waba; mv /opt/kept /opt/waba")


def test_the_network_to_a_host_is_cut(hosts: Hosts, site: Undisturbed) -> None:
    remove_cluster(hosts)
    done = struck(hosts, "Bring up the master", 0.8, lambda: hosts.disconnect_host("master2"))
    assert done.status != 0
    assert "UNREACHABLE" in done.output
    assert "Bring up" in done.tasks[-1][0], "the run ends there, and leaves the rest of the cluster alone"
    figure(
        "the network to a host is cut within a task",
        f"the run says so after {done.tasks[-1][1]:.0f} s in the task, {done.seconds:.0f} s in all",
    )
    hosts.connect_host("master2")
    healed(hosts, "the network to a host was cut", site.state, state.look(hosts))


def test_a_host_loses_its_power(hosts: Hosts, site: Undisturbed) -> None:
    remove_cluster(hosts)
    done = struck(hosts, "Bring up the coreapp", 1.0, lambda: hosts.host("master1").kill())
    assert done.status != 0
    hosts.host("master1").start()
    until_it_answers(hosts, "master1")
    before = state.look(hosts)
    healed(hosts, "a host lost its power", site.state, {**before, "master1": {**before["master1"], "containers": {}}})


def test_a_host_that_is_lost_ends_the_roll(hosts: Hosts, site: Undisturbed) -> None:
    """The secondary master goes first; with its host lost, nobody could take over from the primary, whose turn is next."""
    api = webapp(hosts, "master1")
    wait_for(lambda: api.is_healthy(COREAPPS), 60, "the cluster is healthy")
    roles = {name.partition(".")[0]: node["role"] for name, node in api.health().items() if "master" in node["role"]}
    (lost,) = [name for name, role in roles.items() if role == "secondary_master"]
    before = state.look(hosts)
    done = struck(
        hosts, "Take them out of service", 0.5, lambda: hosts.disconnect_host(lost), *NEXT, playbook="upgrade.yml"
    )
    after = state.look(hosts)
    hosts.connect_host(lost)
    assert done.status != 0
    others = {name: facts for name, facts in before.items() if name != lost}
    assert state.restarted(others, after, before) == [], "no later step was begun"
    assert f"{lost} was lost within a step (secondary masters," in " ".join(done.output.split())
    wait_for(lambda: api.is_healthy(COREAPPS), 90, "the cluster is healthy again")
    healing = run(hosts, "upgrade.yml", *NEXT)
    assert healing.status == 0, healing.output
    assert state.differences(upgraded_state(hosts, site.state), state.look(hosts)) == []
    figure("a host is lost within a roll", f"the roll ends, after {done.seconds:.0f} s in all")
    remove_cluster(hosts)  # what follows installs the former version
