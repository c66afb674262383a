# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import host_files
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.documents import compose_documents, merged
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import plan_nodes
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.engine_features import Features

FILE = "multiconnect-compose.yml"


def planned(params: dict[str, Any], version: str) -> dict[str, Any]:
    params["images"] = {"coreapp": f"waba/node:v{version}", "webapp": f"waba/node:v{version}"}
    return compose_documents(plan_nodes(params), params)


def images(documents: dict[str, Any]) -> dict[str, str]:
    return {name: service["image"].rpartition("v")[2] for name, service in documents[FILE]["services"].items()}


def test_a_file_is_upgraded_and_rolled_back_service_by_service(params: dict[str, Any]) -> None:
    before, after = planned(params, "1.0.0"), planned(params, "1.1.0")
    half = merged(after, before, ["master1"], {})
    assert images(half) == {**images(before), "master1": "1.1.0"}
    assert merged(after, before, None, {}) == after
    back = merged(after, half, [], {"master1": before[FILE]["services"]["master1"]})
    assert back == before
    by_image = merged(after, half, [], {"master1": {"image": "waba/node:v1.0.0"}})
    assert by_image == before, "what was written over is known by its image alone"


def test_a_service_that_is_not_on_the_host_is_written_as_planned(params: dict[str, Any]) -> None:
    assert merged(planned(params, "1.1.0"), {}, [], {}) == planned(params, "1.1.0")


def test_the_path_of_a_bind_mount_is_normalized(params: dict[str, Any]) -> None:
    params["volumes"] = {"media": {"type": "bind", "source": "//mnt/./media/"}}
    services = planned(params, "1.0.0")[FILE]["services"]
    sources = {volume["source"] for volume in services["master1"]["volumes"] if isinstance(volume, dict)}
    assert sources == {"/mnt/media"}


def test_a_rendered_document_is_parsed_back(params: dict[str, Any]) -> None:
    params["volumes"] = {"media": {"type": "bind", "source": "/mnt/with$dollar"}}
    documents = planned(params, "1.0.0")
    text = host_files.compose_text(documents[FILE], "mark")
    assert host_files.parsed_document(text) == documents[FILE]
    assert host_files.parsed_document("a: [") == {}
    assert host_files.parsed_document("just text") == {}


def test_ports_are_published_on_every_address_with_any_default_of_the_engine(params: dict[str, Any]) -> None:
    """default-network-opts in the engine's daemon.json may set loopback for every new network."""
    network = planned(params, "1.0.0")[FILE]["networks"]["default"]
    assert network["driver_opts"] == {"com.docker.network.bridge.host_binding_ipv4": "0.0.0.0"}


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_every_log_is_rotated_on_an_engine_that_stores_files(params: dict[str, Any], driver: str) -> None:
    params.update(log_max_size="1g", log_max_files=3)
    services = compose_documents(plan_nodes(params), params, Features(driver))[FILE]["services"]
    expected = {"driver": driver, "options": {"max-size": "1g", "max-file": "3"}}
    assert [service["logging"] for service in services.values()] == [expected] * 6


@pytest.mark.parametrize(("driver", "size"), [("none", "10m"), ("journald", "10m"), ("json-file", "")])
def test_logging_is_left_to_other_engines_and_without_a_size(params: dict[str, Any], driver: str, size: str) -> None:
    params["log_max_size"] = size
    services = compose_documents(plan_nodes(params), params, Features(driver))[FILE]["services"]
    assert not any("logging" in service for service in services.values())


def test_only_webapps_publish_a_webhook_listener_and_mount_its_certificate(params: dict[str, Any]) -> None:
    params.update(webhook_port=9290, webhook_publish_address="192.0.2.1")
    params["webapps"].append({"name": "waweb2", "port": None})
    params.update(webhook_certificate="/etc/ssl/hook.pem", webhook_certificate_key="/etc/ssl/hook.key")
    services = planned(params, "1.0.0")[FILE]["services"]
    assert services["waweb"]["ports"] == ["9090:443", "192.0.2.1:9290:6260"]
    assert services["waweb2"]["ports"] == ["9091:443", "192.0.2.1:9291:6260"]
    mounted = {
        name: [one["source"] for one in service["volumes"] if isinstance(one, dict)]
        for name, service in services.items()
    }
    files = ["/etc/ssl/hook.pem", "/etc/ssl/hook.key"]
    assert {name for name, sources in mounted.items() if sources} == {"waweb", "waweb2"}
    assert mounted["waweb"] == files
    assert len(services["wacore1"]["ports"]) == 1


def test_services_without_a_webhook_listener_publish_one_entry(params: dict[str, Any]) -> None:
    services = planned(params, "1.0.0")[FILE]["services"]
    assert {name: service.get("ports") for name, service in services.items()} == {
        "db": None,
        "master1": ["127.0.0.1:6254-6257:6250-6253"],
        "master2": ["127.0.0.1:6262-6265:6250-6253"],
        "wacore1": ["127.0.0.1:6250-6253:6250-6253"],
        "wacore2": ["127.0.0.1:26300-26303:6250-6253"],
        "waweb": ["9090:443"],
    }


def test_certificate_of_another_content_changes_the_nodes_that_mount_it(params: dict[str, Any]) -> None:
    """The file of the same path is replaced on the host, and nodes read it at their start."""
    params.update(certificate="/etc/ssl/api.pem", certificate_key="/etc/ssl/api.key")
    params.update(database_certificate="/etc/ssl/db.pem", database_certificate_key="/etc/ssl/db.key")
    nodes = plan_nodes(params)
    digests = {"certificate": "aaaaaaaaaaaa", "database_certificate": "bbbbbbbbbbbb"}
    before = compose_documents(nodes, params, certificates=digests)[FILE]["services"]
    others = {"certificate": "cccccccccccc", "database_certificate": "dddddddddddd"}
    after = compose_documents(nodes, params, certificates=others)
    changed = {name for name, service in after[FILE]["services"].items() if service != before[name]}
    assert changed == {node["name"] for node in nodes if node["role"] == "webapp"}
    assert not any(
        "waba.cluster.certificates" in one["labels"] for one in planned(params, "1.0.0")[FILE]["services"].values()
    )


def test_network_with_ipv6_has_a_name_and_private_addresses_of_its_own(params: dict[str, Any]) -> None:
    before = planned(params, "1.0.0")[FILE]["networks"]["default"]
    after = planned({**params, "ipv6": True}, "1.0.0")[FILE]["networks"]["default"]
    (network,) = after.pop("ipam")["config"]
    assert ipaddress.ip_network(network["subnet"]).subnet_of(ipaddress.ip_network("fd00::/8"))
    assert after == {**before, "name": "waba_default_ipv6", "enable_ipv6": True}


def test_database_listens_on_ipv6_only_with_the_setting(params: dict[str, Any]) -> None:
    params["database_options"] = {"max_connections": 9}
    assert planned(params, "1.0.0")[FILE]["services"]["db"]["command"] == ["--max_connections=9"]
    changed = planned({**params, "ipv6": True}, "1.0.0")[FILE]["services"]["db"]
    assert changed["command"] == ["--max_connections=9", "--bind-address=*"]


def test_spelling_of_a_published_address_does_not_matter(params: dict[str, Any]) -> None:
    first = planned({**params, "publish_address": "2001:DB8:0::1"}, "1.0.0")
    assert first == planned({**params, "publish_address": "2001:db8::1"}, "1.0.0")
    assert first[FILE]["services"]["master1"]["ports"][0].startswith("[2001:db8::1]:")
