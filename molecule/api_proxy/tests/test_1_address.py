"""One address for clients: it answers, survives the loss of webapps and of its host, and of an upgrade no client notices anything."""

from __future__ import annotations

import time

import pytest
import requests
from conftest import NODES, PROXIES, RECOVERY, Lab, accepted_since, changed, pause
from figures import figure
from plays import one_line, refusal
from waiting import wait_for

LONGEST_PAUSE = 3  # seconds without an accepted message after the loss of the host with the address
DETECTION = 4  # seconds until a webapp that is lost gets no call any more


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"waba_api_proxy_address": "198.51.100.1"}, "Give an address of that network"),
        ({"waba_api_proxy_interface": "nope0"}, "this host has no such network interface"),
        ({"waba_api_proxy_vrrp_id": 256}, "a VRRP id is 1 to 255"),
        ({"waba_api_proxy_tls": "terminate"}, "TLS ends at the proxy, which has no certificate"),
        ({"waba_api_proxy_port": 22}, "port 22 (api_proxy api-proxy) is taken by"),
    ],
)
def test_wrong_setting_is_refused_before_anything_is_touched(
    lab: Lab, settings: dict[str, object], message: str
) -> None:
    arguments = [part for name, value in settings.items() for part in ("-e", f"{name}={value}")]
    assert message in refusal(lab.play("site.yml", *arguments))


def test_address_of_another_machine_is_refused(lab: Lab) -> None:
    taken = lab.addresses["node1"]["ansible_host"]
    assert "another machine answers at it" in refusal(lab.play("site.yml", "-e", f"waba_api_proxy_address={taken}"))


def test_virtual_address_answers(lab: Lab) -> None:
    assert changed(lab.play("site.yml")) > 0
    assert lab.holder() in PROXIES
    assert lab.api().accepts("at the virtual address")


def test_second_run_changes_nothing_and_restarts_nothing(lab: Lab) -> None:
    before, holder = lab.started(), lab.holder()
    assert changed(lab.play("site.yml")) == 0
    assert (lab.started(), lab.holder()) == (before, holder)


def test_status_names_the_holder(lab: Lab) -> None:
    report = lab.play("status.yml")
    assert report.returncode == 0, report.stdout
    (row,) = [line for line in report.stdout.splitlines() if "address_holder" in line]
    assert row.split()[0] == lab.holder()


def test_webapps_refuse_clients_that_do_not_use_the_proxies(lab: Lab) -> None:
    host = lab.addresses[NODES[0]]["ansible_host"]
    with pytest.raises(requests.ConnectionError):
        requests.get(f"https://{host}:9090/", verify=False, timeout=5)


def test_killed_webapp_costs_calls_in_progress_only(lab: Lab) -> None:
    kill = "docker kill $(docker ps -q --filter label=waba.cluster.role=webapp)"
    with lab.flow() as flow:
        lab.run(NODES[1], kill)
        time.sleep(DETECTION)
        refused = len(flow.refused)
        accepted_since(flow, 50, 30)
        assert len(flow.refused) == refused, flow.refused[refused:][:3]
    figure("webapp killed", f"{refused} calls in progress failed, none after {DETECTION} s; gaps {flow.gaps()}")
    assert refused <= 3  # one for each thread
    assert changed(lab.play("start.yml", "--limit", NODES[1])) > 0


def test_loss_of_the_host_with_the_address_pauses_calls_for_at_most_three_seconds(lab: Lab) -> None:
    for _round in range(3):
        lost = lab.holder()
        with lab.flow() as flow:
            began = time.monotonic()
            lab.power_off(lost)
            accepted_since(flow, 50, 30)
            seconds = pause(flow, began)
            lab.power_on(lost)
            accepted_since(flow, 50, 30)
            returned = pause(flow, began + seconds)
        figure(
            "host of the address lost", f"paused {seconds:.2f} s (goal {LONGEST_PAUSE} s), {returned:.2f} s later on"
        )
        assert seconds <= LONGEST_PAUSE
        assert lab.holder() != lost  # the host that returns does not take the address back


def test_killed_proxy_hands_the_address_over(lab: Lab) -> None:
    holder = lab.holder()
    with lab.flow() as flow:
        began = time.monotonic()
        lab.run(holder, "docker kill $(docker ps -q --filter label=waba.cluster.role=api_proxy)")
        accepted_since(flow, 50, 30)
        figure("proxy killed", f"paused {pause(flow, began):.2f} s")
        assert pause(flow, began) <= LONGEST_PAUSE
    assert changed(lab.play("start.yml", "--limit", holder)) > 0
    assert changed(lab.play("site.yml")) == 0


def test_upgrade_refuses_no_call(lab: Lab) -> None:
    with lab.flow() as flow:
        result = lab.play("upgrade.yml", "-e", "waba_version=1.1.0-rehearsal", "-e", "waba_upgrade_backup=false")
        assert changed(result) > 0
    figure("upgrade", f"{len(flow.refused)} refused; gaps {flow.gaps()}")
    assert not flow.refused, flow.refused[:3]
    assert flow.failed_once == 0


def test_restart_refuses_no_call(lab: Lab) -> None:
    with lab.flow() as flow:
        assert changed(lab.play("restart.yml", "-e", "waba_version=1.1.0-rehearsal")) > 0
    assert not flow.refused, flow.refused[:3]


def test_stopped_proxy_hands_the_address_over(lab: Lab) -> None:
    holder = lab.holder()
    with lab.flow() as flow:
        began = time.monotonic()
        assert changed(lab.play("stop.yml", "--limit", holder, "-e", "waba_version=1.1.0-rehearsal")) > 0
        accepted_since(flow, 50, RECOVERY)
        figure("proxy stopped", f"{len(flow.refused)} refused, paused {pause(flow, began):.2f} s")
        assert pause(flow, began) <= LONGEST_PAUSE
    wait_for(lambda: lab.holder() != holder, 10, "another host holds the address")
    assert changed(lab.play("start.yml", "--limit", holder)) > 0


def test_plan_names_the_service_that_a_changed_vrrp_id_replaces(lab: Lab) -> None:
    plan = one_line(
        lab.play("site.yml", "--check", "-e", "waba_version=1.1.0-rehearsal", "-e", "waba_api_proxy_vrrp_id=52").stdout
    )
    assert "container api-address" in plan
