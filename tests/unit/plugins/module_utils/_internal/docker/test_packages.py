# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import packages

EVERYTHING = list(packages.PACKAGES)


@pytest.mark.parametrize(
    ("distribution", "release", "expected", "suite"),
    [
        ("debian", "12", ["docker-compose", "docker.io", "python3-docker", "python3-yaml"], "trixie"),
        ("debian", "13", ["docker-cli", "docker-compose", "docker.io", "python3-docker", "python3-yaml"], None),
        ("ubuntu", "24.04", ["docker-compose-v2", "docker.io", "python3-docker", "python3-yaml"], None),
    ],
)
def test_a_bare_host_gets_every_requirement(
    distribution: str, release: str, expected: list[str], suite: str | None
) -> None:
    assert packages.packages_for(EVERYTHING, distribution, release) == expected
    assert packages.compose_suite(EVERYTHING, distribution, release) == suite


@pytest.mark.parametrize(("distribution", "release"), [("debian", "12"), ("debian", "13"), ("ubuntu", "24.04")])
def test_host_with_docker_ce_never_gets_the_docker_of_its_distribution(distribution: str, release: str) -> None:
    host = (EVERYTHING, distribution, release)
    assert packages.packages_for(*host, docker_ce=True) == [
        "docker-ce",
        "docker-ce-cli",
        "docker-compose-plugin",
        "python3-docker",
        "python3-yaml",
    ]
    assert packages.compose_suite(*host, docker_ce=True) is None


def test_only_missing_requirements_are_installed() -> None:
    assert packages.packages_for(["compose"], "debian", "12") == ["docker-compose"]
    assert packages.packages_for([], "debian", "12") == []
    assert packages.compose_suite(["engine"], "debian", "12") is None


def test_an_unknown_distribution_is_named() -> None:
    with pytest.raises(packages.UnknownDistribution, match="alpine 3"):
        packages.packages_for(["engine"], "alpine", "3")


@pytest.mark.parametrize(
    "text",
    [
        "deb http://mirror.example.org/debian bookworm main\n",
        "deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg] http://mirror.example.org/debian/ bookworm main\n",
        "Types: deb\nURIs: http://mirror.example.org/debian\nSuites: bookworm\n",
    ],
)
def test_the_mirror_of_the_host_is_found(text: str) -> None:
    security = "deb http://security.example.org/debian-security bookworm-security main\n"
    commented = "# deb http://old.example.org/debian bookworm main\n"
    assert packages.find_mirror([security, commented + text]) == "http://mirror.example.org/debian"
    assert packages.find_security_mirror([commented + text, security]) == "http://security.example.org/debian-security"
    assert packages.find_security_mirror([text]) is None


def test_other_archives_are_no_mirror() -> None:
    assert packages.find_mirror(["deb https://packages.example.org/apt stable main\n"]) is None
