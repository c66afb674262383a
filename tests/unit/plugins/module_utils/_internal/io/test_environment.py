# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
from unittest import mock

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import environment
from hypothesis import given
from hypothesis import strategies as st

STEERING = [
    *("COMPOSE_PROJECT_NAME", "COMPOSE_FILE", "COMPOSE_PROFILES", "COMPOSE_ENV_FILES", "COMPOSE_DISABLE_ENV_FILE"),
    *("COMPOSE_PATH_SEPARATOR", "COMPOSE_PARALLEL_LIMIT", "COMPOSE_REMOVE_ORPHANS", "COMPOSE_IGNORE_ORPHANS"),
    *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_DEFAULT_PLATFORM", "DOCKER_API_VERSION"),
    *("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "BUILDX_BUILDER", "DOCKER_BUILDKIT"),
    *("http_proxy", "HTTPS_PROXY", "ALL_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
    *("LANG", "LANGUAGE", "LC_MESSAGES", "PYTHONPATH", "PYTHONHOME", "LD_PRELOAD", "APT_CONFIG", "MYSQL_HOST"),
]


@given(st.dictionaries(st.text(min_size=1) | st.sampled_from(STEERING), st.text()))
def test_only_listed_variables_pass(surrounding: dict[str, str]) -> None:
    allowed = {*environment.PASSED, *environment.LOCALE}
    assert set(environment.command_environment(surrounding)) <= allowed
    assert set(environment.command_environment(surrounding, downloads=True)) <= {*allowed, *environment.PROXIES}


@pytest.mark.parametrize("name", STEERING)
def test_no_steering_variable_passes(name: str) -> None:
    assert name not in environment.command_environment({name: "x"})


def test_a_download_uses_the_proxy_of_the_host() -> None:
    proxy = {"https_proxy": "http://proxy.example.org:3128"}
    assert environment.command_environment(proxy, downloads=True).items() >= proxy.items()


def test_proxy_of_the_settings_replaces_that_of_the_host_in_both_cases() -> None:
    with mock.patch.dict(os.environ, {"http_proxy": "http://other:1"}):
        environment.use_proxy({"HTTP_PROXY": "http://proxy:1", "NO_PROXY": "localhost"})
        found = {name: os.environ.get(name) for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY")}
    assert found == dict(zip(found, ["http://proxy:1", "http://proxy:1", "localhost", "localhost"]))


def test_system_folders_follow_those_of_the_path() -> None:
    path = environment.command_environment({"PATH": "/opt/bin:/usr/bin"})["PATH"].split(":")
    assert path[:2] == ["/opt/bin", "/usr/bin"]
    assert sorted(path) == sorted({*path, *environment.SYSTEM_PATH})


def test_isolation_replaces_the_environment_of_the_process() -> None:
    with mock.patch.dict(os.environ, {"COMPOSE_PROJECT_NAME": "x", "HOME": "/root"}):
        environment.isolate_environment()
        assert "COMPOSE_PROJECT_NAME" not in os.environ
        assert (os.environ["HOME"], os.environ["LC_ALL"]) == ("/root", "C.UTF-8")
