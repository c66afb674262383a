# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.monitoring import containers

SETTINGS: dict[str, Any] = {
    "monitoring_dir": "/opt/waba-monitoring",
    "monitoring_ca": "",
    "monitoring_scrape_interval": "15s",
    "monitoring_image": "waba/monitoring:v1.0.0",
    "monitoring_address": "127.0.0.1",
    "monitoring_prometheus_port": 9091,
    "monitoring_alertmanager_port": 9093,
    "monitoring_retention": "15d",
    "waba_log_max_size": "10m",
    "waba_log_max_files": 5,
}
TOPOLOGY = {
    "nodes": [
        {"host": "one", "name": "waweb", "ports": [9091]},
        {"host": "two", "name": "waweb", "ports": [9093]},
    ]
}


def services(**settings: Any) -> dict[str, Any]:
    document = containers.compose_document("blue", {**SETTINGS, **settings}, "0123456789ab")
    return dict(document["services"])


def test_containers_have_no_privileges_and_read_the_folder_only() -> None:
    for service in services().values():
        assert (service["user"], service["read_only"], service["cap_drop"]) == ("10001:10001", True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]
        [folder] = [volume for volume in service["volumes"] if isinstance(volume, dict)]
        assert (folder["source"], folder["target"], folder["read_only"]) == (*["/opt/waba-monitoring"] * 2, True)


def test_objects_belong_to_the_monitoring_and_not_to_the_cluster() -> None:
    """Otherwise status.yml would report containers that the inventory of the cluster does not have, and site.yml remove them."""
    document = containers.compose_document("blue", SETTINGS, "0123456789ab")
    labels = [
        one["labels"]["waba.cluster.name"] for one in [*document["services"].values(), *document["volumes"].values()]
    ]
    assert set(labels) == {"blue.monitoring"}, "no name of a cluster"
    assert document["name"] == "blue-monitoring"


def test_prometheus_reads_an_authority_outside_the_folder() -> None:
    found = services(monitoring_ca="/etc/ssl/waba.pem")
    mounts = {
        name: [one["source"] for one in service["volumes"] if isinstance(one, dict)] for name, service in found.items()
    }
    assert mounts == {
        "prometheus": ["/opt/waba-monitoring", "/etc/ssl/waba.pem"],
        "alertmanager": ["/opt/waba-monitoring"],
    }
    inside = services(monitoring_ca="/opt/waba-monitoring/ca.pem")["prometheus"]["volumes"]
    assert len([one for one in inside if isinstance(one, dict)]) == 1


def test_a_folder_is_mounted_as_docker_reports_it() -> None:
    """A slash at the end would replace the containers at each run."""
    assert services(monitoring_dir="/opt/waba-monitoring/") == services()


def test_logs_are_rotated_as_those_of_the_cluster() -> None:
    logging = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}
    assert [service["logging"] for service in services().values()] == [logging] * 2
    assert not any("logging" in service for service in services(waba_log_max_size="").values())


def test_changed_files_replace_the_containers() -> None:
    for service in services().values():
        assert service["labels"]["waba.cluster.configuration"] == "0123456789ab"


@pytest.mark.parametrize(("address", "expected"), [("127.0.0.1", "127.0.0.1:9091"), ("::1", "[::1]:9091")])
def test_prometheus_listens_at_the_address_of_the_settings(address: str, expected: str) -> None:
    assert f"--web.listen-address={expected}" in services(monitoring_address=address)["prometheus"]["command"]


def test_prometheus_reads_the_files_of_its_cluster_and_knows_its_alertmanager() -> None:
    configuration = containers.prometheus_configuration("blue", SETTINGS)
    assert configuration["scrape_config_files"] == ["/opt/waba-monitoring/scrape-blue.yml"]
    assert configuration["rule_files"] == [
        "/opt/waba-monitoring/rules/waba.yml",
        "/opt/waba-monitoring/rules/expected-blue.yml",
    ]
    [alertmanager] = configuration["alerting"]["alertmanagers"]
    assert alertmanager["static_configs"] == [{"targets": ["127.0.0.1:9093"]}]


@pytest.mark.parametrize(
    ("host", "settings", "problem"),
    [
        ("one", {}, ("monitoring_prometheus_port", 9091, "waweb has this port on one")),
        ("two", {}, ("monitoring_alertmanager_port", 9093, "waweb has this port on two")),
        ("three", {"monitoring_prometheus_port": 0}, ("monitoring_prometheus_port", 0, "it is no port")),
        (
            "three",
            {"monitoring_alertmanager_port": 9091},
            ("monitoring_alertmanager_port", 9091, "prometheus has this port on three"),
        ),
        ("three", {"monitoring_address": "here"}, ("monitoring_address", "here", "it is not an IP address")),
        ("three", {"monitoring_retention": "forever"}, ("monitoring_retention", "forever", "it is no duration")),
        ("three", {"monitoring_retention": "0d"}, ("monitoring_retention", "0d", "it is no duration")),
    ],
)
def test_invalid_setting_is_refused_by_its_name(host: str, settings: dict[str, Any], problem: tuple[Any, ...]) -> None:
    found = containers.problems({**SETTINGS, **settings}, TOPOLOGY, host)
    assert [(one.variable, one.value, one.problem) for one in found] == [problem]


def test_valid_settings_are_accepted() -> None:
    assert containers.problems(SETTINGS, TOPOLOGY, "three") == []
