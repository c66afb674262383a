"""Three members from nothing, while runs are killed."""

from __future__ import annotations

from conftest import LAB, Lab, changed, secrets_file
from killed_runs import CONTROLLER, GROUP, Kill, run_and_kill
from steps import APPLY_MEMBER_STEP, START_MEMBER, WAIT_FOR_MEMBER

# Before and within the steps of the first member, and within the join of the second one.
KILLS = (
    Kill(0, 2.0, CONTROLLER, APPLY_MEMBER_STEP),
    Kill(0, 0.0, GROUP, START_MEMBER),
    Kill(0, 2.0, CONTROLLER, START_MEMBER),
    Kill(0, 6.0, GROUP, WAIT_FOR_MEMBER),
)


def test_killed_runs_of_a_first_start_converge(lab: Lab) -> None:
    assert changed(lab.play("uninstall.yml", "-e", "waba_wipe_volumes=true")) > 0
    secrets_file(lab).unlink(missing_ok=True)
    lab.engine.containers.get(f"{LAB}-standin").restart(timeout=1)  # the epochs begin anew
    for kill in KILLS:
        killed = run_and_kill(lab.inventory, "site.yml", kill=kill)
        print(f"killed {kill}: {killed.task or 'it ended before'}, status {killed.status}", flush=True)
    assert changed(lab.play("site.yml")) > 0
    lab.register()
    lab.check_members()
    before = lab.started()
    assert changed(lab.play("site.yml")) == 0
    assert lab.started() == before


def test_uninstall_removes_the_members_with_their_volumes(lab: Lab) -> None:
    assert changed(lab.play("uninstall.yml", "-e", "waba_wipe_volumes=true")) > 0
    for name in lab.members:
        assert not lab.run(
            name, "docker ps -aq --filter label=waba.cluster.name=waba; docker volume ls -q | grep ^waba_ || true"
        )
