# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The configurations of the API proxies, as their templates render them."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.waba.cluster.plugins.action import topology
from ansible_collections.waba.cluster.plugins.module_utils._internal.cluster import api_proxy

WEBAPPS = [
    {"name": "node1:waweb", "address": "node1.test:9090", "certificate_name": "node1.test"},
    {"name": "node2:waweb", "address": "[2001:db8::2]:9090", "certificate_name": "node2.test"},
]
PLAN = {
    "cluster_name": "waba",
    "ipv6": False,
    "api_proxy": {
        "check_port": 8404,
        "address": {"address": "192.0.2.10", "interface": "eth0", "vrrp_id": 51},
    },
}
FILES: dict[str, dict[str, Any]] = {
    "passthrough": {},
    "terminate": {"api_proxy_certificate": "/a.pem"},
    "verified": {"api_proxy_certificate": "/a.pem", "api_proxy_webapp_ca": "/ca.pem"},
}


def haproxy(mode: str, webapps: Any = None) -> str:
    variables = api_proxy.proxy_variables(WEBAPPS if webapps is None else webapps, {**PLAN, **FILES[mode]})
    return topology.rendered(Templar(loader=DataLoader()), topology.API_PROXY_TEMPLATE, variables)


def keepalived(plan: Any = None) -> str:
    variables = api_proxy.address_variables(plan or PLAN)
    return topology.rendered(Templar(loader=DataLoader()), topology.API_ADDRESS_TEMPLATE, variables)


def section(text: str, name: str) -> list[str]:
    """Return the lines of a section, without comments."""
    lines = text.split(f"\n{name}\n")[1].split("\n\n")[0].splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def test_tls_is_passed_through_by_default() -> None:
    text = haproxy("passthrough")
    assert section(text, "frontend api")[0] == "bind :8443"
    assert "mode tcp" in section(text, "defaults")
    assert "user haproxy" not in text
    assert section(text, "backend ready_webapps") == [
        "balance leastconn",
        "option httpchk GET /",
        "http-check expect status 200",
        "server node1:waweb node1.test:9090 check check-ssl verify none",
        "server node2:waweb [2001:db8::2]:9090 check check-ssl verify none",
    ]


@pytest.mark.parametrize("mode", FILES)
def test_proxy_listens_on_both_families_with_ipv6(mode: str) -> None:
    variables = api_proxy.proxy_variables(WEBAPPS, {**PLAN, **FILES[mode], "ipv6": True})
    text = topology.rendered(Templar(loader=DataLoader()), topology.API_PROXY_TEMPLATE, variables)
    certificate = "" if mode == "passthrough" else " ssl crt /etc/haproxy/api.pem"
    assert section(text, "frontend api")[0] == f"bind :::8443 v4v6{certificate}"
    assert "bind :::8404 v4v6" in section(text, "frontend check")


def database_proxy(address: str, *, ipv6: bool) -> str:
    plan: dict[str, Any] = {"proxy": {"configuration": ""}, "ipv6": ipv6}
    members = [{"host": "db1", "name": "db1", "address": address}]
    built = {"database": {"members": members}, "hosts": {"a": {"plan": plan}}, "api_proxy": {"webapps": []}}
    topology.configure_proxies(Templar(loader=DataLoader()), built)
    return str(plan["proxy"]["configuration"])


@pytest.mark.parametrize("ipv6", [False, True])
def test_proxies_without_ipv6_prefer_the_ipv4_address_of_a_name_with_both(ipv6: bool) -> None:
    api = topology.rendered(
        Templar(loader=DataLoader()),
        topology.API_PROXY_TEMPLATE,
        api_proxy.proxy_variables(WEBAPPS, {**PLAN, "ipv6": ipv6}),
    )
    for text in (api, database_proxy("db1.test", ipv6=ipv6)):
        assert ("resolve-prefer ipv4" in section(text, "defaults")[-1]) is not ipv6


def test_proxy_of_the_database_names_members_with_ipv6_addresses_in_brackets() -> None:
    text = database_proxy("fd00::11", ipv6=True)
    for name, port in (("writer", 3306), ("reader", 3307)):
        lines = section(text, f"listen {name}")
        assert (lines[0], lines[-1]) == (f"bind :::{port} v4v6", "server db1 [fd00::11]:3306")


def test_tls_ends_at_the_proxy_with_its_certificate() -> None:
    text = haproxy("terminate")
    assert section(text, "frontend api")[0] == "bind :8443 ssl crt /etc/haproxy/api.pem"
    assert {"mode http", "timeout http-request 15s"} <= set(section(text, "defaults"))
    assert {"user haproxy", "group haproxy"} <= set(section(text, "global") if "\nglobal\n" in text else [])
    assert section(text, "defaults")[-1].endswith("tcp-ut 5s ssl verify none")
    assert section(text, "backend ready_webapps")[-1] == "server node2:waweb [2001:db8::2]:9090 check"


def test_webapps_are_verified_with_an_authority() -> None:
    text = haproxy("verified")
    assert section(text, "defaults")[-1].endswith(" ssl verify required ca-file /etc/haproxy/webapp-ca.pem")
    for backend in ("ready_webapps", "every_webapp"):
        assert section(text, f"backend {backend}")[-1].endswith(" verifyhost node2.test")


@pytest.mark.parametrize("mode", FILES)
def test_every_mode_has_the_rules_for_drain_and_loss(mode: str) -> None:
    text = haproxy(mode)
    assert "use_backend every_webapp if { nbsrv(ready_webapps) eq 0 }" in section(text, "frontend api")
    assert {"option redispatch 1", "timeout connect 1s"} <= set(section(text, "defaults"))
    # It would end the calls in progress at a webapp that drains.
    assert "shutdown-sessions" not in text
    assert section(text, "frontend check")[-1] == "monitor fail if { nbsrv(ready_webapps) eq 0 }"
    assert "bind :8404" in section(text, "frontend check")


def test_no_call_is_logged_with_its_query() -> None:
    assert "\n    option httplog" not in haproxy("terminate")
    assert "%HPO" in haproxy("terminate")
    assert not any(word in haproxy("terminate") for word in ("%HQ", "%r", "%HU"))


@pytest.mark.parametrize(("mode", "count"), list(itertools.product(FILES, (1, 2, 5))))
def test_each_webapp_is_in_both_backends(mode: str, count: int) -> None:
    webapps = [{**WEBAPPS[0], "name": f"host{number}:waweb"} for number in range(count)]
    lines = haproxy(mode, webapps).splitlines()
    assert sum(line.startswith("    server ") for line in lines) == 2 * count
    assert len({line.split()[1] for line in lines if line.startswith("    server ")}) == count


def test_address_is_held_with_equal_priority_on_every_host() -> None:
    text = keepalived()
    for line in (
        "interface eth0",
        "virtual_router_id 51",
        "192.0.2.10",
        f"priority {api_proxy.PRIORITY}",
        f"advert_int {api_proxy.ADVERTISEMENT}",
        'script "/usr/local/bin/proxy-ready 8404"',
        f"weight -{api_proxy.PENALTY}",
        "state BACKUP",
    ):
        assert f"    {line}\n" in text
    assert "nopreempt" not in text  # with it, a proxy that is not ready would retain the address
    assert text.count("{") == text.count("}")


def test_each_option_changes_the_configuration_of_keepalived() -> None:
    other = {"address": "192.0.2.11", "interface": "ens3", "vrrp_id": 52}
    for key, value in other.items():
        address = {**PLAN["api_proxy"]["address"], key: value}  # type: ignore[index]
        assert str(value) in keepalived({**PLAN, "api_proxy": {**PLAN["api_proxy"], "address": address}})  # type: ignore[dict-item]


@pytest.mark.parametrize("mode", FILES)
def test_haproxy_accepts_the_configuration(mode: str, tmp_path: Path) -> None:
    program = shutil.which("haproxy")
    if not program:
        pytest.skip("this machine has no HAProxy")
    text = haproxy(mode).replace("user haproxy", "user nobody").replace("group haproxy", "group nogroup")
    for name in ("api.pem", "webapp-ca.pem"):
        text = text.replace(f"/etc/haproxy/{name}", str(tmp_path / "api.pem"))
    text = text.replace("node1.test:", "127.0.0.1:")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=api", "-days", "2"),
            *("-keyout", str(tmp_path / "api.pem.key"), "-out", str(tmp_path / "api.pem")),
        ],
        check=True,
        capture_output=True,
    )
    (tmp_path / "haproxy.cfg").write_text(text, encoding="utf-8")
    checked = subprocess.run(
        [program, "-c", "-f", str(tmp_path / "haproxy.cfg")], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "[WARNING]" not in checked.stderr
