"""The floor: the time of plain Compose on the same hosts, over SSH in parallel."""

from __future__ import annotations

import subprocess
import time

from conftest import CLUSTER_HOSTS, FOLDER, HOSTS, Api, Lab, wait_for
from figures import figure

SSH = [
    "ssh",
    "-i",
    str(FOLDER / "key"),
    "-o",
    "StrictHostKeyChecking=no",
    "-o",
    "UserKnownHostsFile=/dev/null",
    "-o",
    "LogLevel=ERROR",
]


def compose_on_every_host(verb: str) -> float:
    """Run `docker compose VERB` for each file on all hosts in parallel; return the seconds."""
    script = f"for f in /opt/waba/multiconnect-*.yml; do docker compose -f $f {verb}; done"
    began = time.monotonic()
    running = [
        subprocess.Popen(
            [*SSH, f"root@{HOSTS[name]['ansible_host']}", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for name in CLUSTER_HOSTS
    ]
    outputs = [process.communicate()[0].decode() for process in running]
    assert [process.returncode for process in running] == [0] * len(running), outputs
    return time.monotonic() - began


def test_plain_compose_changes_nothing_and_starts_the_same_cluster(lab: Lab, api: Api) -> None:
    before = lab.started()
    figure("floor: docker compose up -d by parallel SSH, nothing to do", f"{compose_on_every_host('up -d'):.1f} s")
    assert lab.started() == before, "plain Compose finds no difference"
    compose_on_every_host("down")
    figure("floor: docker compose up -d by parallel SSH, from nothing", f"{compose_on_every_host('up -d'):.1f} s")
    wait_for(
        lambda: api.accepts("after down and up by hand"), 90, "the cluster that was started by hand accepts a message"
    )
