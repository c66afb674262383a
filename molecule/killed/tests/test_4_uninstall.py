"""uninstall.yml is killed; the next run leaves nothing of the cluster. These tests remove the cluster of the scenario."""

from __future__ import annotations

import pytest
from conftest import SEED, Undisturbed, undisturbed
from figures import figure
from hosts import Hosts
from killed_runs import sample
from lab_runs import run
from trials import WIPE, trial


@pytest.fixture(scope="module")
def uninstalled(hosts: Hosts, site: Undisturbed) -> Undisturbed:
    assert run(hosts, "site.yml").status == 0
    found = undisturbed(hosts, "uninstall.yml", *WIPE)
    assert all(
        not facts[kind] for facts in found.state.values() for kind in ("files", "containers", "networks", "volumes")
    )
    return found


@pytest.mark.parametrize("turn", range(2))
def test_run_after_a_killed_uninstall_leaves_nothing(hosts: Hosts, uninstalled: Undisturbed, turn: int) -> None:
    assert run(hosts, "site.yml").status == 0
    outcomes = trial(
        hosts, "uninstall.yml", WIPE, sample(uninstalled.run.tasks, 2, SEED + turn, first=3), uninstalled.state
    )
    for outcome in outcomes:
        figure("uninstall.yml", outcome)
    assert all(outcome.good for outcome in outcomes)
