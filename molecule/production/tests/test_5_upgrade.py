"""Upgrade, and rollback of two nodes at a time, on many hosts under traffic."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from conftest import DEFAULT_UNHEALTHY, FOLDER, HOSTS, Api, Lab, changed, play, wait_for, webapp
from figures import figure
from flow import HANDOVER_LIMIT, Flow
from receiver import Receiver, configured_receiver

IMAGE = "waba/node:v{}"
BACKUPS = ("-e", f"waba_backup_dir={FOLDER}/backups")


def images(tag: str) -> tuple[str, ...]:
    return (
        *("-e", f"waba_version={tag.partition('-')[0]}"),
        *("-e", f"waba_coreapp_image={IMAGE.format(tag)}"),
        *("-e", f"waba_webapp_image={IMAGE.format(tag)}"),
    )


def versions(lab: Lab) -> set[str]:
    """Return the images of all nodes on all hosts."""
    script = "docker ps -a --filter label=waba.cluster.name=waba --format '{{.Image}}' | grep -v mariadb || true"
    return {image for name in HOSTS for image in lab.run(name, script).split()}


@pytest.fixture(scope="module")
def receiver(lab: Lab, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    # With the default intervals only the upgrade moves the shard, and not a busy machine.
    settings = {"sent_status": True, "heartbeat_interval": 5, "unhealthy_interval": DEFAULT_UNHEALTHY}
    with configured_receiver(tmp_path_factory.mktemp("receiver"), lab.gateway(), api, **settings) as receiver:
        yield receiver


def assert_no_client_noticed(what: str, flow: Flow, receiver: Receiver, seconds: float) -> None:
    figure(f"{what} on many hosts", f"{seconds:.0f} s; {flow.summary()}")
    assert flow.refused == []
    assert flow.handover_pauses(), "the connected coreapp hands over"
    assert sum(flow.handover_pauses()) <= HANDOVER_LIMIT
    assert receiver.undelivered(flow.accepted) == set()


@pytest.mark.parametrize(
    ("playbook", "tag", "arguments"),
    [
        ("upgrade", "1.1.0-rehearsal", BACKUPS),
        ("rollback", "1.0.0", ("-e", "waba_upgrade_serial=2")),
    ],
)
def test_rolling_change_of_version_interrupts_no_client(
    lab: Lab, api: Api, receiver: Receiver, playbook: str, tag: str, arguments: tuple[str, ...]
) -> None:
    coreapps = len(lab.coreapp_logs())
    wait_for(lambda: api.is_healthy(coreapps), 90, "the cluster is healthy before the roll")
    began = time.monotonic()
    with Flow([webapp("webapp1"), webapp("webapp2")], lab.coreapp_logs) as flow:
        result = play(f"playbooks/{playbook}.yml", *images(tag), *arguments)
        seconds = time.monotonic() - began
    assert changed(result) > 0
    assert versions(lab) == {IMAGE.format(tag)}
    assert_no_client_noticed(playbook, flow, receiver, seconds)
    assert api.is_healthy(coreapps)
    assert changed(play("playbooks/site.yml", *images(tag))) == 0
