"""A host loses power while Docker is installed on it. Runs first, since the other tests need Docker there."""

from __future__ import annotations

from accidents import run_with_accident, wait_until_reachable
from figures import figure
from hosts import Hosts
from lab_runs import run
from steps import INSTALL_PACKAGES

BARE = "master2"


def test_next_run_completes_half_installed_packages(hosts: Hosts) -> None:
    def lose_power() -> None:
        hosts.run(BARE, "until test -e /usr/bin/docker; do sleep 0.05; done")
        hosts.host(BARE).kill()

    done = run_with_accident(hosts, INSTALL_PACKAGES, 1, lose_power)
    assert done.status != 0
    hosts.host(BARE).start()
    wait_until_reachable(hosts, BARE, engine=False)
    audit = hosts.run(BARE, "dpkg --audit; ls /var/lib/dpkg/updates")
    assert audit, "packages are half installed"
    next_run = run(hosts, "site.yml")
    assert next_run.status == 0, next_run.output
    assert hosts.run(BARE, "dpkg --audit") == ""
    figure("host lost power while packages were installed", f"converged, in {next_run.seconds:.0f} s")
