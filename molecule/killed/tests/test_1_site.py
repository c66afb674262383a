"""site.yml is killed during a first deployment; the next run deploys the same cluster."""

from __future__ import annotations

import pytest
from conftest import SEED, Undisturbed
from figures import figure
from hosts import Hosts
from killed_runs import sample
from trials import remove_cluster, trial


@pytest.mark.parametrize("turn", range(2))
def test_run_after_killed_runs_converges(hosts: Hosts, site: Undisturbed, turn: int) -> None:
    """Three runs in a row are killed, each at another boundary or within a task."""
    remove_cluster(hosts)
    outcomes = trial(hosts, "site.yml", (), sample(site.run.tasks, 3, SEED + turn), site.state)
    for outcome in outcomes:
        figure("site.yml", outcome)
    assert all(outcome.good for outcome in outcomes)
