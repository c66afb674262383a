"""A drill that is killed while its fault lasts puts everything back by itself."""

from __future__ import annotations

import pytest
from api import Api
from conftest import CONFIRMED, DURATION, INVENTORY, RECOVERY_LIMIT, SCRIPTS, drill, is_affected, traces, victim
from figures import figure
from killed_runs import CONTROLLER, Kill, run_and_kill
from live import Cluster
from plays import refusal
from steps import CAUSE_FAULT
from waiting import wait_for

GRACE = 30  # seconds after the end of the fault, of the module drill_fault
INTO_THE_FAULT = 6.0  # seconds after the task has begun


@pytest.mark.parametrize("fault", ["kill", "freeze", "isolate"])
def test_killed_drill_is_undone_by_the_timer_of_the_host(cluster: Cluster, api: Api, fault: str) -> None:
    affected = victim(cluster, api, "coreapp")
    settings = {"target": "coreapp", "fault": fault, "duration": DURATION}
    options = [option for name, value in settings.items() for option in ("-e", f"waba_drill_{name}={value}")]
    # With a local connection, this kills the module as well.
    killed = run_and_kill(
        INVENTORY, "drill.yml", *options, *CONFIRMED, kill=Kill(0, INTO_THE_FAULT, CONTROLLER, CAUSE_FAULT)
    )
    assert CAUSE_FAULT in killed.task, killed.output
    assert is_affected(affected, fault)
    assert len(list(SCRIPTS.glob("*.sh"))) == 1
    assert "a drill needs a healthy cluster" in refusal(drill("master", "kill", *CONFIRMED))
    seconds = wait_for(lambda: not traces(cluster), DURATION + GRACE + RECOVERY_LIMIT, "everything is put back")
    figure(f"killed drill with {fault}", f"everything was put back {seconds:.0f} s after the kill")
    wait_for(api.is_healthy, RECOVERY_LIMIT, "the cluster is healthy after the killed drill")
