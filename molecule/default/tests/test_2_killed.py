"""site.yml dies while it changes every node, and again; the next one brings back what was. A sample: molecule/killed has every playbook."""

from __future__ import annotations

import json
import random

from conftest import FOLDER, INVENTORY, Api, Cluster, changed, play, wait_for
from killed_runs import CONTROLLER, GROUP, Kill, run_and_kill

SEED = 1
OTHER = ("-e", json.dumps({"waba_environment": {"WA_RUNNING_ENV": "REHEARSAL"}}))


def files() -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mode, path.read_bytes()) for path in FOLDER.rglob("*") if path.is_file()}


def environments(cluster: Cluster) -> dict[str, list[str]]:
    return {one.id: sorted(one.attrs["Config"]["Env"]) for one in cluster.containers()}


def test_the_next_run_brings_back_what_was_and_restarts_nothing_else(cluster: Cluster, api: Api) -> None:
    draw = random.Random(SEED)
    before, right = files(), sorted(environments(cluster).values())
    for what, mark in ((GROUP, "Bring up the master"), (CONTROLLER, "Bring up the coreapp")):
        kill = Kill(0, draw.uniform(0.2, 4), what, mark)
        done = run_and_kill(INVENTORY, "site.yml", *OTHER, kill=kill)
        assert done.task, done.output
        print(f"killed {kill}", flush=True)
    assert files() != before
    started, left = cluster.started(), environments(cluster)
    assert sorted(left.values()) != right, "a node was changed before the run died"
    assert changed(play("playbooks/site.yml")) > 0
    assert files() == before
    assert sorted(environments(cluster).values()) == right
    as_they_were = {name: moment for name, moment in started.items() if left[name] in right}
    assert as_they_were.items() <= cluster.started().items()
    assert changed(play("playbooks/site.yml")) == 0
    wait_for(api.is_healthy, 60, "the cluster is healthy")
