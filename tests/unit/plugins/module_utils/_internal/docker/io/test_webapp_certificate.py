# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import webapp_certificate
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

PEM = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n"
Result = tuple[int, str, str]


def docker(listed: Result, executed: Result = (0, PEM, ""), commands: list[list[str]] | None = None) -> Callable:
    """Return a run_command with which `docker ps` and `docker exec` end so. commands: gets the arguments of both."""

    def run_command(arguments: list[str], **_options: Any) -> Result:
        if commands is not None:
            commands.append(arguments)
        return {"ps": listed, "exec": executed}[arguments[1]]

    return run_command


def test_the_certificate_is_read_in_the_webapp_that_publishes_the_port() -> None:
    commands: list[list[str]] = []
    assert webapp_certificate.read(docker((0, "web\n", ""), commands=commands), "waba", 9091) == b"\0\1\2"
    filters = {"label=waba.cluster.name=waba", "label=waba.cluster.role=webapp", "publish=9091", "status=running"}
    assert filters <= set(commands[0])
    assert commands[1][:3] == ["docker", "exec", "web"]


def test_an_image_without_python_has_no_known_certificate() -> None:
    run_command = docker((0, "web\n", ""), (webapp_certificate.NO_PYTHON, "", ""))
    assert webapp_certificate.read(run_command, "waba", 9090) is None


@pytest.mark.parametrize(
    ("listed", "executed", "message"),
    [
        ((0, "\n", ""), (0, PEM, ""), "no running webapp of the cluster waba publishes the port 9090 on this host"),
        ((0, "web\n", ""), (1, "", "ConnectionRefusedError"), "web serves no certificate yet"),
        ((1, "", "Cannot connect\n"), (0, PEM, ""), "the Docker engine of this host does not answer: Cannot connect$"),
    ],
)
def test_a_certificate_that_cannot_be_read_is_an_error(listed: Result, executed: Result, message: str) -> None:
    with pytest.raises(HostError, match=message):
        webapp_certificate.read(docker(listed, executed), "waba", 9090)
