"""site.yml is killed twice while it changes every node; the next run restores the former state. molecule/killed covers each playbook."""

from __future__ import annotations

import json
import random

from conftest import FOLDER, INVENTORY, Api, Cluster, changed, play, wait_for
from killed_runs import CONTROLLER, GROUP, Kill, run_and_kill
from steps import START_COREAPPS, START_MASTERS

SEED = 1
CHANGE = ("-e", json.dumps({"waba_environment": {"WA_RUNNING_ENV": "REHEARSAL"}}))


def files() -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mode, path.read_bytes()) for path in FOLDER.rglob("*") if path.is_file()}


def environments(cluster: Cluster) -> dict[str, list[str]]:
    return {str(one.id): sorted(one.attrs["Config"]["Env"]) for one in cluster.containers()}


def test_run_after_killed_runs_restores_the_state_and_restarts_nothing_else(cluster: Cluster, api: Api) -> None:
    draw = random.Random(SEED)
    before, wanted = files(), sorted(environments(cluster).values())
    for scope, mark in ((GROUP, START_MASTERS), (CONTROLLER, START_COREAPPS)):
        kill = Kill(0, draw.uniform(0.2, 4), scope, mark)
        killed = run_and_kill(INVENTORY, "site.yml", *CHANGE, kill=kill)
        assert killed.task, killed.output
        print(f"killed {kill}", flush=True)
    assert files() != before
    started, remaining = cluster.started(), environments(cluster)
    assert sorted(remaining.values()) != wanted, "a node was changed before the run was killed"
    assert changed(play("playbooks/site.yml")) > 0
    assert files() == before
    assert sorted(environments(cluster).values()) == wanted
    unaffected = {name: moment for name, moment in started.items() if remaining[name] in wanted}
    assert unaffected.items() <= cluster.started().items()
    assert changed(play("playbooks/site.yml")) == 0
    wait_for(api.is_healthy, 60, "the cluster is healthy")
