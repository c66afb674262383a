"""The floor: what plain Compose needs on the same hosts, by SSH and in parallel, for what site.yml does."""

from __future__ import annotations

import subprocess
import time

from conftest import CLUSTER_HOSTS, FOLDER, HOSTS, Api, Lab, figure, wait_for

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


def everywhere(verb: str) -> float:
    """Run `docker compose VERB` for every file of every host of the cluster, all hosts at once; return the seconds that took."""
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


def test_compose_up_over_ssh_is_the_floor(lab: Lab, api: Api) -> None:
    before = lab.started()
    figure("floor: docker compose up -d by parallel SSH, nothing to do", f"{everywhere('up -d'):.1f} s")
    assert lab.started() == before, "plain Compose agrees that nothing differs"
    everywhere("down")
    figure("floor: docker compose up -d by parallel SSH, from nothing", f"{everywhere('up -d'):.1f} s")
    wait_for(
        lambda: api.accepts("after down and up by hand"), 90, "the cluster that was brought up by hand takes a message"
    )
