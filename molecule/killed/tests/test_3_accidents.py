"""Accidents during a run: a host loses its network or its power, or a disk is full."""

from __future__ import annotations

import json

import state
from accidents import assert_next_run_converges, run_with_accident, wait_until_reachable
from conftest import COREAPPS, NEXT, Undisturbed, upgraded_state, webapp
from figures import figure
from hosts import Hosts
from lab_runs import run
from steps import REPLACE_NODES, START_COREAPPS, START_MASTERS, WRITE_FILES
from trials import remove_cluster
from waiting import wait_for

LONG_SETTING = ("-e", json.dumps({"waba_environment": {"WA_LONG": "x" * 20_000}}))


def test_full_disk_leaves_every_file_intact(hosts: Hosts, site: Undisturbed) -> None:
    remove_cluster(hosts)  # other tests upgraded the cluster
    assert run(hosts, "site.yml").status == 0
    # A separate file system, which is filled after preflight has checked the free space.
    hosts.run(
        "master1",
        "cp -a /opt/waba /opt/saved; mount -t tmpfs tmpfs /opt/waba; cp -a /opt/saved/. /opt/waba; rm -r /opt/saved",
    )
    before = state.observe(hosts)

    def fill() -> None:
        hosts.run("master1", "mount -o remount,size=$(du -sk /opt/waba | cut -f1)k /opt/waba")

    done = run_with_accident(hosts, WRITE_FILES, 0, fill, *LONG_SETTING)
    assert done.status != 0
    assert "Cannot write /opt/waba/db.env: No space left on device." in " ".join(done.output.split())
    after = state.observe(hosts)
    assert after["master1"]["files"] == before["master1"]["files"]
    assert state.restarted(before, after, before) == []
    hosts.run("master1", "mount -o remount,size=2g /opt/waba")
    assert_next_run_converges(hosts, "disk was full while files were written", site.state, after)
    hosts.run("master1", "cp -a /opt/waba /opt/saved; umount /opt/waba; rm -r /opt/waba; mv /opt/saved /opt/waba")


def test_run_ends_if_a_host_loses_its_network(hosts: Hosts, site: Undisturbed) -> None:
    remove_cluster(hosts)
    done = run_with_accident(hosts, START_MASTERS, 0.8, lambda: hosts.disconnect_host("master2"))
    assert done.status != 0
    assert "UNREACHABLE" in done.output
    assert START_MASTERS in done.tasks[-1][0], "the run ends at this task and does not touch the rest of the cluster"
    figure(
        "host lost its network within a task",
        f"reported after {done.tasks[-1][1]:.0f} s in the task, {done.seconds:.0f} s in all",
    )
    hosts.connect_host("master2")
    assert_next_run_converges(hosts, "host lost its network", site.state, state.observe(hosts))


def test_next_run_converges_after_a_host_loses_its_power(hosts: Hosts, site: Undisturbed) -> None:
    remove_cluster(hosts)
    done = run_with_accident(hosts, START_COREAPPS, 1.0, lambda: hosts.host("master1").kill())
    assert done.status != 0
    hosts.host("master1").start()
    wait_until_reachable(hosts, "master1")
    before = state.observe(hosts)
    assert_next_run_converges(
        hosts, "host lost its power", site.state, {**before, "master1": {**before["master1"], "containers": {}}}
    )


def test_lost_host_ends_the_roll(hosts: Hosts, site: Undisturbed) -> None:
    """The secondary master is upgraded first; without its host no master could take over from the primary, which is next."""
    api = webapp(hosts, "master1")
    wait_for(lambda: api.is_healthy(COREAPPS), 60, "the cluster is healthy")
    roles = {name.partition(".")[0]: node["role"] for name, node in api.health().items() if "master" in node["role"]}
    (lost,) = [name for name, role in roles.items() if role == "secondary_master"]
    before = state.observe(hosts)
    done = run_with_accident(
        hosts, REPLACE_NODES, 0.5, lambda: hosts.disconnect_host(lost), *NEXT, playbook="upgrade.yml"
    )
    after = state.observe(hosts)
    hosts.connect_host(lost)
    assert done.status != 0
    others = {name: facts for name, facts in before.items() if name != lost}
    assert state.restarted(others, after, before) == [], "no later step begins"
    assert f"{lost} was lost during a step (secondary masters," in " ".join(done.output.split())
    wait_for(lambda: api.is_healthy(COREAPPS), 90, "the cluster is healthy again")
    next_run = run(hosts, "upgrade.yml", *NEXT)
    assert next_run.status == 0, next_run.output
    assert state.differences(upgraded_state(hosts, site.state), state.observe(hosts)) == []
    figure("host lost within a roll", f"the roll ends, after {done.seconds:.0f} s in all")
    remove_cluster(hosts)  # later tests install the former version
