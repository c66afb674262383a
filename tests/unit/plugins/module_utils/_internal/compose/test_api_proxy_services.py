# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import host_files
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import services as compose_services
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.documents import compose_documents
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import plan_nodes, publications
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.resolved import resolved
from ansible_collections.waba.cluster.plugins.module_utils._internal.firewall import rules
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight import ports_in_use
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import InputError

ADDRESS = {"address": "192.0.2.10", "interface": "eth0", "vrrp_id": 51, "configuration": "vrrp\n"}
PROXY = {"image": "waba/haproxy:v1.0.0", "configuration": "global\n", "port": 443, "check_port": 8404, "address": None}
FILE = "multiconnect-api.yml"


@pytest.fixture
def proxy(params: dict[str, Any]) -> dict[str, Any]:
    """The options of a host with an API proxy that holds a virtual address, and with nodes."""
    return {**params, "layout": "role", "api_proxy": {**PROXY, "address": ADDRESS}, "webapps_behind_proxies": True}


def services(params: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = compose_documents(plan_nodes(params), params)[FILE]["services"]
    return found


def test_proxy_and_address_are_services_of_one_file(proxy: dict[str, Any]) -> None:
    document = compose_documents(plan_nodes(proxy), proxy)[FILE]
    assert document["name"] == "waba-api"
    assert list(document["services"]) == ["api-proxy", "api-address"]
    assert list(document["networks"]) == ["default"]
    for name, service in document["services"].items():
        assert service["restart"] == "unless-stopped"
        assert service["labels"]["waba.cluster.name"] == "waba"
        assert service["labels"]["waba.cluster.role"] == name.replace("-", "_")


def test_proxy_publishes_its_port_for_clients_and_its_checks_on_loopback(proxy: dict[str, Any]) -> None:
    service = services(proxy)["api-proxy"]
    assert service["ports"] == ["443:8443", "127.0.0.1:8404:8404"]
    assert service["healthcheck"]["test"] == ["CMD", "/usr/local/bin/proxy-ready", "8404"]
    assert "user" not in service
    proxy["api_proxy_publish_address"] = "192.0.2.5"
    assert services(proxy)["api-proxy"]["ports"][0] == "192.0.2.5:443:8443"


def test_proxy_that_ends_tls_reads_the_key_as_root(proxy: dict[str, Any]) -> None:
    proxy.update(api_proxy_certificate="/a.pem", api_proxy_certificate_key="/a.key", api_proxy_webapp_ca="/ca.pem")
    service = services(proxy)["api-proxy"]
    assert service["user"] == "root"
    assert {mount["source"]: mount["target"] for mount in service["volumes"]} == {
        "/opt/waba/api-proxy.cfg": "/etc/haproxy/haproxy.cfg",
        "/a.pem": "/etc/haproxy/api.pem",
        "/a.key": "/etc/haproxy/api.pem.key",
        "/ca.pem": "/etc/haproxy/webapp-ca.pem",
    }
    assert all(mount["read_only"] for mount in service["volumes"])


def test_address_is_held_in_the_network_of_the_host_and_given_up_by_a_stop(proxy: dict[str, Any]) -> None:
    service = services(proxy)["api-address"]
    assert (service["network_mode"], service["stop_signal"]) == ("host", "SIGTERM")
    assert service["cap_add"] == ["KILL", "NET_ADMIN", "NET_BROADCAST", "NET_RAW", "SETGID", "SETUID"]
    assert service["command"] == ["/etc/keepalived/keepalived.conf"]
    assert "ports" not in service


def test_host_without_a_virtual_address_runs_the_proxy_alone(proxy: dict[str, Any]) -> None:
    proxy["api_proxy"] = PROXY
    assert list(services(proxy)) == ["api-proxy"]
    assert "api-address.conf" not in host_files.host_files(plan_nodes(proxy), proxy, {}, {})


@pytest.mark.parametrize(("name", "other"), [("api-proxy", "api-address"), ("api-address", "api-proxy")])
def test_changed_configuration_replaces_its_own_service_only(proxy: dict[str, Any], name: str, other: str) -> None:
    before = services(proxy)
    changed = {**PROXY, "configuration": "new\n", "address": ADDRESS}
    if name == "api-address":
        changed = {**PROXY, "address": {**ADDRESS, "configuration": "new\n"}}
    after = services({**proxy, "api_proxy": changed})
    assert after[name] != before[name]
    assert after[other] == before[other]


def test_host_has_the_configurations_as_files(proxy: dict[str, Any]) -> None:
    files = host_files.host_files(plan_nodes(proxy), proxy, {}, {})
    assert files["api-proxy.cfg"][0].splitlines()[1:] == ["global"]
    assert files["api-address.conf"][0].splitlines()[1:] == ["vrrp"]


def test_api_sources_reach_the_proxy_and_not_the_webapps_behind_it(proxy: dict[str, Any]) -> None:
    found = [one for node in plan_nodes(proxy) for one in publications(node, proxy)]
    audiences = {(offer.first, offer.audience.name) for offer in rules.offers(found, None)}
    assert {(443, "API"), (9090, "WEBAPP")} <= audiences
    assert not any(first == 8404 for first, _audience in audiences)
    more = {rules.Audience.API: ["198.51.100.0/24"], rules.Audience.WEBAPP: ["203.0.113.7/32"]}
    accepted = rules.rules("waba", rules.offers(found, None), ["192.0.2.1"], more, [], 4)["WABA-FW-waba"]
    assert any("198.51.100.0/24" in rule and "443" in rule for rule in accepted)
    assert any("203.0.113.7/32" in rule and "9090" in rule for rule in accepted)
    assert not any("198.51.100.0/24" in rule and "9090" in rule for rule in accepted)


def test_port_of_another_program_is_refused_by_name(proxy: dict[str, Any]) -> None:
    taken = [
        {"address": "0.0.0.0", "port": port, "by": "nginx (pid 7)", "will_be_stopped": False} for port in (443, 8404)
    ]
    problems, _warnings = ports_in_use.clashes(plan_nodes(proxy), taken, proxy)
    assert [(one.variable, one.value) for one in problems] == [
        ("api_proxy.port", "443"),
        ("api_proxy.check_port", "8404"),
    ]
    assert problems[1].problem == "port 8404 (checks of api_proxy api-proxy) is taken by nginx (pid 7)"


@pytest.mark.parametrize("key", ["port", "check_port"])
def test_ports_of_the_proxy_clash_with_those_of_a_webapp(proxy: dict[str, Any], key: str) -> None:
    proxy["api_proxy"][key] = 9090
    with pytest.raises(InputError) as refused:
        plan_nodes(proxy)
    assert [problem.variable for problem in refused.value.problems] == [f"api_proxy.{key}"]


def test_resolved_document_equals_the_output_of_compose(
    proxy: dict[str, Any], real_compose: None, tmp_path: Path
) -> None:
    """A difference between both would replace the containers at every run."""
    proxy.update(api_proxy_certificate="/a.pem", api_proxy_certificate_key="/a.key")
    text = host_files.host_files(plan_nodes(proxy), proxy, {}, {})[FILE][0]
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    command = ["docker", "compose", "--file", str(tmp_path / FILE), "config", "--format", "json"]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    document = compose_documents(plan_nodes(proxy), proxy)[FILE]
    expected = resolved(document, {})
    assert compose_services.wanted_services(expected, {}) == compose_services.wanted_services(answer, {})
    assert compose_services.wanted_services(answer, {})["api-address"]["networks"] == {"host"}
