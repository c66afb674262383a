"""A host loses its power while Docker is installed on it. First, since the other tests need its Docker."""

from __future__ import annotations

from accidents import struck, until_it_answers
from conftest import figure
from hosts import Hosts
from lab_runs import run

BARE = "master2"


def test_half_installed_packages_are_no_obstacle(hosts: Hosts) -> None:
    def power_is_lost() -> None:
        hosts.run(BARE, "until test -e /usr/bin/docker; do sleep 0.05; done")
        hosts.host(BARE).kill()

    done = struck(hosts, "About a minute for the packages", 1, power_is_lost)
    assert done.status != 0
    hosts.host(BARE).start()
    until_it_answers(hosts, BARE, engine=False)
    left = hosts.run(BARE, "dpkg --audit; ls /var/lib/dpkg/updates")
    assert left, "packages are half installed"
    healing = run(hosts, "site.yml")
    assert healing.status == 0, healing.output
    assert hosts.run(BARE, "dpkg --audit") == ""
    figure("a host lost its power while packages were installed", f"converged, in {healing.seconds:.0f} s")
