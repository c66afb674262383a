"""monitoring.yml with containers on this machine, with an image of Debian's packages. Runs by name: make test ONLY=monitoring."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from test_playbook import Inventory, changed
from waiting import wait_for

IMAGE = "waba-test/monitoring:containers"
PROMETHEUS, ALERTMANAGER, WEBAPP = 20_901, 20_902, 20_903


def docker(*arguments: str) -> list[str]:
    """Return the lines that a command of Docker prints."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.split()


@pytest.fixture
def inventory(tmp_path: Path) -> Iterator[Inventory]:
    """An inventory whose Prometheus runs on the host of the webapp, which is published locally."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)  # the containers run as another user
    made = Inventory(tmp_path)
    made.groups = {group: ["here"] for group in made.groups}
    made.variables |= {
        "waba_cluster_name": f"test-{secrets.token_hex(4)}",
        "waba_ha": False,
        "waba_webapp_publish_address": "127.0.0.1",
        "waba_webapp_instances": [{"name": "waweb", "port": WEBAPP}],
        "docker_host_manage": False,
        "monitoring_mode": "containers",
        "monitoring_image": IMAGE,
        "monitoring_prometheus_port": PROMETHEUS,
        "monitoring_alertmanager_port": ALERTMANAGER,
    }
    yield made
    label = f"label=waba.cluster.name={made.variables['waba_cluster_name']}.monitoring"
    for container in docker("ps", "--all", "--quiet", "--filter", label):
        docker("rm", "--force", container)
    for volume in docker("volume", "ls", "--quiet", "--filter", label):
        docker("volume", "rm", volume)


def get(port: int, path: str) -> Any:
    answer = requests.get(f"http://127.0.0.1:{port}{path}", timeout=10)
    answer.raise_for_status()
    return answer.json()["data"] if port == PROMETHEUS else answer.json()


def scraped_jobs() -> set[str]:
    return {target["labels"]["job"] for target in get(PROMETHEUS, "/api/v1/targets")["activeTargets"]}


def test_prometheus_and_alertmanager_run_and_are_removed(inventory: Inventory) -> None:
    name = inventory.variables["waba_cluster_name"]
    label = f"label=waba.cluster.name={name}.monitoring"
    status, output = inventory.run("--check", "--diff")
    assert (status, inventory.files(), docker("ps", "--quiet", "--filter", label)) == (0, {}, []), output
    status, output = inventory.run()
    assert status == 0, output
    assert inventory.files()[f"api_key-{name}"] == (0o400, "10001")
    # Prometheus reads its targets some seconds after it is ready.
    jobs = {f"waba-{kind}" for kind in ("webapp", "cluster", "nodes", "processes", "database", "tables")}
    wait_for(lambda: scraped_jobs() == jobs, 60, "Prometheus has the targets of the cluster")
    wait_for(
        lambda: get(PROMETHEUS, "/api/v1/alertmanagers")["activeAlertmanagers"], 60, "Prometheus has an Alertmanager"
    )
    assert len(get(PROMETHEUS, "/api/v1/rules?type=alert")["groups"]) >= 5
    assert get(ALERTMANAGER, "/api/v2/status")["config"]
    before = docker("ps", "--quiet", "--filter", label)
    assert len(before) == 2

    status, output = inventory.run("--diff")
    assert (status, changed(output)) == (0, 0), output
    assert docker("ps", "--quiet", "--filter", label) == before

    status, output = inventory.run(monitoring_scrape_interval="30s")
    assert status == 0, output
    assert not set(docker("ps", "--quiet", "--filter", label)) & set(before)

    assert inventory.run(monitoring_mode="files", monitoring_owner="nobody")[0] == 0
    assert docker("ps", "--all", "--quiet", "--filter", label) == []
    assert f"compose-{name}.yml" not in inventory.files()
    assert inventory.run()[0] == 0
    assert len(docker("ps", "--quiet", "--filter", label)) == 2

    assert inventory.run("-e", "monitoring_state=absent")[0] == 0
    assert docker("ps", "--all", "--quiet", "--filter", label) == []
    assert len(docker("volume", "ls", "--quiet", "--filter", label)) == 2
    status, output = inventory.run("-e", "monitoring_state=absent", "-e", "monitoring_wipe_data=true")
    assert status == 0, output
    assert docker("volume", "ls", "--quiet", "--filter", label) == []
    assert inventory.files() == {}
