# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.software import judge, version

DEBIAN_12 = {
    "distribution": "debian",
    "release": "12",
    "lacks": [],
    "docker_ce": False,
    "mirror": "http://mirror.example.org/debian",
    "engine": "20.10.24+dfsg1",
    "compose": "2.26.1-4",
    "error": None,
    "daemon": {},
}
BARE = {**DEBIAN_12, "lacks": ["engine", "cli", "compose", "docker_sdk", "yaml"], "engine": None, "compose": None}


@pytest.mark.parametrize("host", [DEBIAN_12, BARE, {**DEBIAN_12, "release": "13", "engine": "26.1.5"}])
def test_debian_is_accepted_with_and_without_docker(host: Any) -> None:
    assert judge(host, True) == ([], [])


def test_compose_of_a_host_with_docker_ce_needs_no_debian_mirror() -> None:
    assert judge({**DEBIAN_12, "lacks": ["compose"], "mirror": None, "docker_ce": True}, True) == ([], [])


@pytest.mark.parametrize(
    ("change", "managed", "wrong"),
    [
        ({"engine": "19.03.15"}, True, "it is older than 20.10"),
        ({"compose": "2.3.3"}, True, "it is older than 2.20"),
        ({"error": "client version 1.41 is too old. Minimum supported API version is 1.44"}, True, "Minimum supported"),
        ({"lacks": ["docker_sdk"]}, False, "the Docker SDK for Python is missing on this host"),
        ({"engine": None}, False, "no Docker engine answers on this host"),
        ({"distribution": "fedora", "release": "43", "lacks": ["engine"]}, True, "no packages are known for fedora 43"),
        ({"lacks": ["compose"], "mirror": None}, True, "the apt sources name none"),
    ],
)
def test_unsupported_software_is_refused(change: dict[str, Any], managed: bool, wrong: str) -> None:
    (problem,), _warnings = judge({**DEBIAN_12, **change}, managed)
    assert wrong in problem.problem


@pytest.mark.parametrize(
    ("change", "variable"),
    [
        ({"engine": "99.0.0"}, "Docker engine"),
        ({"compose": "v99.1"}, "Docker Compose"),
        ({"distribution": "ubuntu", "release": "24.04"}, "distribution"),
    ],
)
def test_untested_software_is_a_warning(change: dict[str, Any], variable: str) -> None:
    problems, (warning,) = judge({**DEBIAN_12, **change}, True)
    assert (problems, warning.variable) == ([], variable)


EXPERIMENT = {"experimental": True, "ip6tables": True}


@pytest.mark.parametrize(
    ("engine", "daemon", "sound"),
    [
        ("26.1.5", {}, False),
        ("26.1.5", {"ip6tables": True}, False),
        ("26.1.5", EXPERIMENT, True),
        ("28.2.2", {}, True),
        ("28.2.2", {"ip6tables": False}, False),
        (None, {}, False),
        (None, EXPERIMENT, True),
    ],
)
def test_ipv6_needs_an_engine_that_translates_addresses(
    engine: str | None, daemon: dict[str, bool], sound: bool
) -> None:
    problems, _warnings = judge({**DEBIAN_12, "engine": engine, "daemon": daemon}, True, ipv6=True)
    assert [one.variable for one in problems] == ([] if sound else ["ipv6"])
    assert judge({**DEBIAN_12, "engine": engine, "daemon": daemon}, True)[0] == []


def test_engine_without_ipv6_is_named_with_the_options_that_it_lacks() -> None:
    (problem,), _warnings = judge({**DEBIAN_12, "engine": "26.1.5"}, True, ipv6=True)
    assert problem == (
        "ipv6",
        True,
        "Docker 26.1.5 connects no container by IPv6 with its settings",
        'Put "experimental": true and "ip6tables": true into /etc/docker/daemon.json, and restart Docker if it runs',
    )


def test_a_stopped_engine_is_a_problem_only_where_docker_is_not_managed() -> None:
    assert judge({**DEBIAN_12, "engine": None}, True) == ([], [])


@pytest.mark.parametrize(
    ("text", "numbers"), [("v2.26.1-4", (2, 26, 1)), ("20.10.24+dfsg1", (20, 10, 24)), ("dev", ()), (None, ())]
)
def test_a_version_is_its_leading_numbers(text: str | None, numbers: tuple[int, ...]) -> None:
    assert version(text) == numbers
