"""TLS ends at the proxies, then the cluster is removed."""

from __future__ import annotations

import ssl

import requests
from conftest import CERTIFICATES, NODES, PROXIES, Lab, changed
from figures import figure
from hosts import CONTAINERS

VERSION = ("-e", "waba_version=1.1.0-rehearsal")
TERMINATE = {
    "waba_api_proxy_tls": "terminate",
    "waba_api_proxy_certificate": f"{CERTIFICATES}/api.pem",
    "waba_api_proxy_certificate_key": f"{CERTIFICATES}/api.key",
}


def test_tls_ends_at_the_proxies_after_a_run(lab: Lab) -> None:
    lab.configure(**TERMINATE)
    with lab.flow() as flow:
        assert changed(lab.play("site.yml", *VERSION)) > 0
    figure("proxies replaced", f"{len(flow.refused)} refused, gaps {flow.gaps()}")
    assert max(flow.gaps(), default=0) <= 3
    session = requests.Session()
    session.trust_env, session.verify = False, lab.authority.ca
    assert session.get(f"https://{lab.address}/", timeout=5).text == "waba node\n"
    assert changed(lab.play("site.yml", *VERSION)) == 0


def test_replaced_certificate_comes_into_use_one_proxy_after_the_other(lab: Lab) -> None:
    certificate, nodes = lab.certify(), {name: lab.started()[name] for name in NODES}
    rotate = ("rotate_secrets.yml", *VERSION, "-e", "waba_rotate=")
    with lab.flow() as flow:
        assert changed(lab.play(*rotate)) > 0
    figure("proxies with a new certificate", f"{len(flow.refused)} refused, gaps {flow.gaps()}")
    assert max(flow.gaps(), default=0) <= 3
    assert ssl.get_server_certificate((lab.address, 443)).strip() == certificate.strip()
    assert {name: lab.started()[name] for name in NODES} == nodes
    assert changed(lab.play(*rotate)) == 0


def test_restart_refuses_no_call_where_tls_ends(lab: Lab) -> None:
    with lab.flow() as flow:
        assert changed(lab.play("restart.yml", *VERSION)) > 0
    assert not flow.refused, flow.refused[:3]


def test_cluster_without_a_webapp_answers_in_the_envelope(lab: Lab) -> None:
    stop = "docker stop $(docker ps -q --filter label=waba.cluster.role=webapp)"
    for name in NODES:
        lab.run(name, stop)
    answer = requests.get(f"https://{lab.address}/v1/health", verify=False, timeout=30)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, 1011)
    assert changed(lab.play("start.yml", *VERSION)) > 0


def test_uninstall_leaves_nothing(lab: Lab) -> None:
    assert changed(lab.play("uninstall.yml", *VERSION, "-e", "waba_wipe_volumes=true")) > 0
    assert lab.holders() == []
    for name in (*PROXIES, *NODES):
        assert lab.run(name, f"{CONTAINERS}; docker network ls -q --filter label=waba.cluster.name=waba") == ""
        assert lab.run(name, "test ! -e /opt/waba || ls -A /opt/waba") == ""
        assert "WABA" not in lab.run(name, "iptables-save")
