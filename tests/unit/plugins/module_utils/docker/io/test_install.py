# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import install


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
