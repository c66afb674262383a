# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal import problems
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import volumes

DATABASE = {"name": "waba-db-1", "mounts": {"/var/lib/mysql": ("volume", "waba_mysqlData")}}
NODES = [
    {
        "name": name,
        "mounts": {"/usr/local/wamedia": ("volume", "waba_whatsappMedia"), "/etc/other": ("bind", "/etc/other")},
    }
    for name in ("waba-wacore-1", "waba-master-1")
]
OLD_NODE = {"name": "waba-wacore-1", "mounts": {"/usr/local/waent/data": ("volume", "old_data")}}


def behind(given: dict[str, Any] | None, *containers: dict[str, Any]) -> list[problems.Problem]:
    return volumes.left_behind("waba", volumes.with_defaults(given), containers)


@pytest.mark.parametrize(
    "given",
    [
        None,
        {"database": None},
        {"media": {"type": "named", "source": "whatsappMedia"}},
        {"database": {"type": "external", "source": "waba_mysqlData"}},
    ],
)
def test_another_notation_of_the_same_source_is_no_change(given: dict[str, Any] | None) -> None:
    assert behind(given, DATABASE, *NODES) == []


@pytest.mark.parametrize("written", ["/srv/media", "/srv/media/", "//srv//media", "/srv/./media/.", "/srv/x/../media"])
def test_paths_are_normalized_before_they_are_compared(written: str) -> None:
    bound = {"name": "waba-wacore-1", "mounts": {"/usr/local/wamedia": ("bind", "/srv/media")}}
    volume = {"type": "bind", "source": written}
    assert behind({"media": volume}, bound) == []
    assert volumes.mount_source("waba", volume) == ("bind", "/srv/media")


def test_a_change_of_source_is_refused_with_variable_and_containers() -> None:
    (problem,) = behind({"media": {"type": "bind", "source": "/srv/media"}}, DATABASE, *NODES)
    message = problems.message([problem], "core1", "Nothing was written")
    assert "waba_volumes (volumes.media.source)" in message
    assert "'/srv/media'" in message
    assert (
        "the media of waba-master-1, waba-wacore-1 is in waba_whatsappMedia, which the new containers would not mount"
        in message
    )
    assert "copy the data from waba_whatsappMedia, and set allow_source_change (waba_allow_source_change)" in message


def test_a_volume_that_is_no_longer_configured_is_refused() -> None:
    (problem,) = behind({}, OLD_NODE)
    assert "the data of waba-wacore-1 is in old_data" in problem.problem


def test_a_return_to_the_default_is_a_change_of_source() -> None:
    moved = {"name": "waba-db-1", "mounts": {"/var/lib/mysql": ("bind", "/srv/mysql")}}
    (problem,) = behind(None, moved)
    assert (problem.variable, problem.value) == ("volumes.database.source", "mysqlData")
    assert "/srv/mysql" in problem.problem


def test_only_volumes_that_the_hosts_services_mount_are_checked() -> None:
    given = {kind: {"type": "bind", "source": f"/srv/{kind}"} for kind in ("media", "data", "database")}
    assert set(volumes.mounted_volumes(given, [{"role": "mysql"}])) == {"database"}
    assert set(volumes.mounted_volumes(given, [{"role": "coreapp"}, {"role": "webapp"}])) == {"media", "data"}
    assert set(volumes.mounted_volumes(given, [])) == set()
    without_volumes = [{"role": role} for role in ("guard", "arbitrator", "proxy", "api_proxy")]
    assert set(volumes.mounted_volumes(given, without_volumes)) == set()
    assert set(volumes.mounted_volumes(given, [{"role": "mysql"}, *without_volumes])) == {"database"}
