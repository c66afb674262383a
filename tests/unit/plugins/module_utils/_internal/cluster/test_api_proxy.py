# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import random
import string
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.waba.cluster.plugins.module_utils._internal.cluster import api_proxy, topology

ROLES = Path(__file__).parents[6] / "roles"
DEFAULTS = {
    name: value
    for role in ("common", "nfs_mount", "nfs_server", "renew_certificates")
    for name, value in yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text(encoding="utf-8")).items()
}
IMAGES = {
    "waba_mysql_image": "waba/mariadb:v1.0.0",
    "waba_coreapp_image": "waba/node:v1.0.0",
    "waba_webapp_image": "waba/node:v1.0.0",
    "waba_api_proxy_image": "waba/haproxy:v1.0.0",
}
NAMES = {setting: DEFAULTS[setting] for setting in topology.GROUP_SETTINGS}
GROUPS = {"waba_mysql": ["db1"], "waba_masters": ["a", "b"], "waba_coreapps": ["a", "b"], "waba_webapps": ["b"]}
PROXIES = {**GROUPS, "waba_api_proxies": ["p1", "p2"]}
ADDRESS = {"waba_api_proxy_address": "192.0.2.10", "waba_api_proxy_interface": "eth0"}
TLS = {"waba_api_proxy_tls": "terminate"}
FILES = {"waba_api_proxy_certificate": "/a.pem", "waba_api_proxy_certificate_key": "/a.key"}


def settings(host: str, **given: Any) -> dict[str, Any]:
    return {**DEFAULTS, **IMAGES, "waba_external_hostname": f"{host}.example.com", **given}


def of_hosts(**given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    both = given.pop("proxies", {})
    return {
        host: settings(host, **(both if host.startswith("p") else {}), **given.get(host, {}))
        for host in ("db1", "a", "b", "p1", "p2")
    }


def problems(groups: dict[str, list[str]] | None = None, **given: dict[str, Any]) -> dict[str, list[str]]:
    """Return {host: variables of its problems}."""
    found = api_proxy.problems(topology.members(NAMES, groups or PROXIES), of_hosts(**given))
    return {host: [one.variable for one in listed] for host, listed in found.items() if listed}


def built(**given: dict[str, Any]) -> dict[str, Any]:
    return topology.build(topology.members(NAMES, PROXIES), of_hosts(**given))


@pytest.mark.parametrize("given", [{}, ADDRESS, {**TLS, **FILES}, {**TLS, **FILES, **ADDRESS}])
def test_sound_settings_have_no_problem(given: dict[str, Any]) -> None:
    assert problems(proxies=given) == {}


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({**ADDRESS, "waba_api_proxy_address": "2001:db8::1"}, "waba_api_proxy_address"),
        ({**ADDRESS, "waba_api_proxy_address": "192.0.2.10/24"}, "waba_api_proxy_address"),
        ({**ADDRESS, "waba_api_proxy_address": "api.example.com"}, "waba_api_proxy_address"),
        ({**ADDRESS, "waba_api_proxy_interface": ""}, "waba_api_proxy_interface"),
        ({**ADDRESS, "waba_api_proxy_interface": "eth0 }"}, "waba_api_proxy_interface"),
        ({**ADDRESS, "waba_api_proxy_interface": "a" * 16}, "waba_api_proxy_interface"),
        ({**ADDRESS, "waba_api_proxy_vrrp_id": 0}, "waba_api_proxy_vrrp_id"),
        ({**ADDRESS, "waba_api_proxy_vrrp_id": 256}, "waba_api_proxy_vrrp_id"),
        ({**ADDRESS, "waba_api_proxy_publish_address": "192.0.2.1"}, "waba_api_proxy_publish_address"),
        (TLS, "waba_api_proxy_tls"),
        ({"waba_api_proxy_certificate": "/a.pem"}, "waba_api_proxy_certificate"),
        ({"waba_api_proxy_webapp_ca": "/ca.pem"}, "waba_api_proxy_webapp_ca"),
        ({"waba_layout": "single_server"}, "waba_layout"),
    ],
)
def test_setting_of_a_proxy_is_refused_by_name(given: dict[str, Any], variable: str) -> None:
    assert problems(proxies=given) == {"p1": [variable], "p2": [variable]}


def test_virtual_address_needs_two_hosts() -> None:
    alone = {**PROXIES, "waba_api_proxies": ["p1"]}
    assert problems(alone, proxies=ADDRESS) == {"p1": ["waba_api_proxy_address"]}
    assert problems(alone) == {}


def test_virtual_address_is_not_that_of_a_host() -> None:
    given = {"waba_external_hostname": ADDRESS["waba_api_proxy_address"]}
    assert set(problems(proxies=ADDRESS, b=given)) == {"p1", "p2"}


def test_proxies_without_a_webapp_are_refused() -> None:
    assert problems({**PROXIES, "waba_webapps": []}) == {"p1": ["waba_group_api_proxies"]}
    assert problems(b={"waba_webapp_instances": []}) == {"p1": ["waba_group_api_proxies"]}


@pytest.mark.parametrize("name", api_proxy.SHARED)
def test_proxies_that_differ_are_refused(name: str) -> None:
    other = {"waba_api_proxy_tls": "terminate", "waba_api_proxy_vrrp_id": 52, "waba_api_proxy_port": 8443}
    found = problems(p2={name: other.get(name, "other"), **(FILES if name == "waba_api_proxy_tls" else {})})
    assert found["p2"][0] == name
    assert "p1" not in found


def test_webapps_that_the_proxies_cannot_reach_are_refused() -> None:
    loopback = {"waba_webapp_publish_address": "127.0.0.1"}
    assert problems(b=loopback) == {"b": ["waba_webapp_publish_address"]}
    assert problems(GROUPS, b=loopback) == {}


def test_certificates_of_webapps_are_compared_with_names() -> None:
    given = {**TLS, **FILES, "waba_api_proxy_webapp_ca": "/ca.pem"}
    assert problems(proxies=given, b={"waba_external_hostname": "192.0.2.7"}) == {"b": ["waba_external_hostname"]}


def test_a_host_with_a_proxy_alone_runs_containers_and_no_node() -> None:
    hosts = built(proxies=ADDRESS)["hosts"]
    assert hosts["p1"]["groups"] == ["waba_cluster", "waba_cluster_nodes", "waba_cluster_api_proxies"]
    assert [one["name"] for one in hosts["p1"]["nodes"]] == ["api-proxy", "api-address"]
    assert hosts["p1"]["image_sources"] == {"waba/haproxy:v1.0.0": "haproxy"}
    assert "api_proxy" not in hosts["b"]["plan"]
    assert hosts["b"]["plan"]["webapps_behind_proxies"]


def test_a_cluster_without_proxies_is_planned_as_before() -> None:
    found = topology.build(topology.members(NAMES, GROUPS), of_hosts())
    assert found["api_proxy"] == {"url": "", "address": "", "webapps": []}
    assert "webapps_behind_proxies" not in found["hosts"]["b"]["plan"]


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (ADDRESS, "https://192.0.2.10"),
        ({**ADDRESS, "waba_api_proxy_port": 8443}, "https://192.0.2.10:8443"),
        ({}, "https://p1.example.com"),
        ({"waba_api_proxy_publish_address": "2001:db8::5"}, "https://[2001:db8::5]"),
    ],
)
def test_clients_get_the_url_of_the_proxies(given: dict[str, Any], url: str) -> None:
    assert built(proxies=given)["api_proxy"]["url"] == url


def test_every_webapp_is_a_server_at_its_published_port() -> None:
    two = {"waba_webapp_instances": [{"name": "waweb"}, {"name": "second", "port": 9300}]}
    assert built(b=two)["api_proxy"]["webapps"] == [
        {"name": "b:waweb", "address": "b.example.com:9090", "certificate_name": "b.example.com"},
        {"name": "b:second", "address": "b.example.com:9300", "certificate_name": "b.example.com"},
    ]
    at_address = built(b={"waba_webapp_publish_address": "2001:db8::7"})["api_proxy"]["webapps"]
    assert at_address[0]["address"] == "[2001:db8::7]:9090"


def test_no_setting_adds_a_word_to_the_configuration() -> None:
    """A server consists of words of characters that HAProxy accepts, or is left out."""
    source = random.Random(4711)
    alphabet = string.printable + "äß\u2028"
    for _round in range(500):
        texts = ["".join(source.choice(alphabet) for _character in range(source.randint(0, 12))) for _text in range(4)]
        host, service, name, published = texts
        node = {"name": service, "role": "webapp", "ports": [9090]}
        values = settings(host, waba_external_hostname=name, waba_webapp_publish_address=published)
        for server in api_proxy.servers([(host, [node], values)]):
            assert all(set(text) <= set(string.ascii_letters + string.digits + "_.:-[]") for text in server.values())


def test_takeover_ends_before_a_client_repeats_its_first_packet() -> None:
    assert api_proxy.takeover_time() == pytest.approx(0.902, abs=0.001)
    repetition = 1.0  # seconds after which Linux repeats the first packet of a connection
    assert api_proxy.takeover_time() + repetition < 3
    assert api_proxy.takeover_time() < repetition


def test_a_host_whose_proxy_is_not_ready_has_a_lower_priority_than_every_other() -> None:
    assert 0 < api_proxy.PRIORITY - api_proxy.PENALTY < api_proxy.PRIORITY < 255
