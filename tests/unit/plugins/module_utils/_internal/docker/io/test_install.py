# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import install
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError


@pytest.mark.parametrize(
    ("output", "expected"),
    [("installed\ninstalled\ninstalled\n", True), ("installed\n", True), ("config-files\n", False), ("", False)],
)
def test_installed_package_of_dockers_repository_is_found(
    output: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sequence[str]] = []

    def run_command(command: Sequence[str]) -> tuple[int, str, str]:
        asked.append(command)
        return 1, output, "dpkg-query: no packages found matching docker-ce\n"

    monkeypatch.setattr(install.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert install.has_docker_ce(run_command) is expected
    assert asked[0][-3:] == ["docker-ce", "docker-ce-cli", "docker-compose-plugin"]


def test_host_without_dpkg_has_no_package_of_dockers_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install.shutil, "which", lambda _name: None)
    assert not install.has_docker_ce(lambda _command: (0, "installed\n", ""))


def answering(info: str, ran: list[Sequence[str]]) -> Callable[..., tuple[int, str, str]]:
    def run_command(command: Sequence[str], **_options: object) -> tuple[int, str, str]:
        ran.append(command)
        return (0, info, "") if command[0] == "docker" else (0, "", "")

    return run_command


@pytest.mark.parametrize("info", ["0 false\n", "0 true\n", "3 true\n"])
def test_engine_is_restarted_for_its_proxy_where_no_container_stops(info: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Sequence[str]] = []
    monkeypatch.setattr(install, "has_systemd", lambda: True)
    monkeypatch.setattr(install, "engine_answers", lambda: True)
    assert install.restart(answering(info, ran), 1) == "systemd"
    assert ran[-1] == ["systemctl", "restart", "docker"]


@pytest.mark.parametrize(
    ("info", "systemd", "reason"), [("3 false\n", True, "it runs 3 containers"), ("0 false\n", False, "has no systemd")]
)
def test_engine_that_must_not_be_restarted_is_left_with_the_command(
    info: str, systemd: bool, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[Sequence[str]] = []
    monkeypatch.setattr(install, "has_systemd", lambda: systemd)
    with pytest.raises(HostError, match=f"reads waba_proxy only when it starts.*{reason}"):
        install.restart(answering(info, ran), 1)
    assert [command[0] for command in ran] == ["docker"]
