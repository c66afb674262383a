"""monitoring.yml on this machine: the files, a second run, a check, refusals and removal. Runs by name: make test ONLY=monitoring."""

from __future__ import annotations

import os
import pwd
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import ROOT, promtool

KEY = "key-that-no-output-contains"


class Inventory:
    """An inventory whose hosts are all this machine, and runs of the playbook with it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.output = folder, folder / "out"
        self.variables: dict[str, Any] = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "/usr/bin/python3",
            "waba_api_key": KEY,
            "waba_secrets_file": str(folder / "secrets.yml"),
            "monitoring_dir": str(self.output),
            "monitoring_owner": "nobody",
        }
        self.groups: dict[str, list[str]] = {
            "waba_mysql": ["one"],
            "waba_masters": ["one", "two"],
            "waba_coreapps": ["one", "two"],
            "waba_webapps": ["one", "two"],
            "waba_monitoring": ["watch"],
        }

    def run(self, *options: str, **variables: Any) -> tuple[int, str]:
        """Run the playbook. Return its exit status and its output, which contains no key."""
        children: dict[str, Any] = {
            group: {"hosts": {host: {} for host in hosts}} for group, hosts in self.groups.items()
        }
        content = {"all": {"vars": {**self.variables, **variables}, "children": children}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
        done = subprocess.run(
            [
                Path(sys.executable).with_name("ansible-playbook"),
                ROOT / "playbooks/monitoring.yml",
                "-i",
                self.folder / "hosts.yml",
                *options,
            ],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build"), "ANSIBLE_NOCOLOR": "1"},
        )
        output = done.stdout + done.stderr
        assert KEY not in output
        return done.returncode, output

    def files(self) -> dict[str, tuple[int, str]]:
        """Return {path: (mode, owner)} of the written files."""
        found = [path for path in self.output.rglob("*") if path.is_file()]
        return {
            str(path.relative_to(self.output)): (stat.S_IMODE(path.stat().st_mode), owner_of(path))
            for path in sorted(found)
        }


def owner_of(path: Path) -> str:
    """Return the name of a file's owner, or the id of one without a name on this machine."""
    number = path.stat().st_uid
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    tmp_path.chmod(0o755)
    return Inventory(tmp_path)


def changed(output: str) -> int:
    return sum(map(int, re.findall(r"changed=(\d+)", output)))


def test_files_are_written_once_and_removed(inventory: Inventory) -> None:
    status, output = inventory.run("--check", "--diff")
    assert (status, inventory.files()) == (0, {}), output
    assert "api_requests_duration_ms_count" in output
    status, output = inventory.run()
    assert status == 0, output
    assert changed(output) > 0
    files = inventory.files()
    secret = files.pop("api_key-waba")
    assert secret == (0o400, "nobody")
    assert {mode for mode, _owner in files.values()} == {0o644}
    assert {name for name in files if name.endswith(".yml")} == {
        "scrape-waba.yml",
        "rules/waba.yml",
        "rules/expected-waba.yml",
    }
    assert (inventory.output / "api_key-waba").read_text(encoding="utf-8") == KEY
    promtool("check", "config", inventory.output / "scrape-waba.yml")
    promtool("check", "rules", *(inventory.output / "rules").glob("*.yml"))
    status, output = inventory.run("--diff")
    assert (status, changed(output)) == (0, 0), output
    # A second cluster shares the folder, and what is shared remains with its files.
    assert inventory.run(waba_cluster_name="blue")[0] == 0
    assert inventory.run("-e", "monitoring_state=absent")[0] == 0
    assert {"scrape-blue.yml", "api_key-blue", "rules/waba.yml"} < set(inventory.files())
    assert not {"scrape-waba.yml", "api_key-waba", "rules/expected-waba.yml"} & set(inventory.files())
    assert inventory.run("-e", "monitoring_state=absent", waba_cluster_name="blue")[0] == 0
    assert inventory.files() == {}


def test_all_problems_are_reported_and_nothing_is_written(inventory: Inventory) -> None:
    del inventory.variables["waba_api_key"]
    status, output = inventory.run(
        monitoring_owner="nobody-at-all",
        monitoring_scrape_interval="1h",
        monitoring_host_exporter_port=70000,
        waba_webapp_publish_address="127.0.0.1",
    )
    assert status != 0
    for variable in (
        "waba_api_key",
        "monitoring_owner",
        "monitoring_scrape_interval",
        "monitoring_host_exporter_port",
        "waba_webapp_publish_address",
    ):
        assert re.search(rf"^{variable} ", output, re.MULTILINE), output
    assert inventory.files() == {}


def test_invalid_settings_of_the_containers_are_refused_by_name(inventory: Inventory) -> None:
    status, output = inventory.run(
        monitoring_mode="containers",
        monitoring_address="prometheus.example.com",
        monitoring_prometheus_port=0,
        monitoring_alertmanager_port=70000,
        monitoring_retention="forever",
        monitoring_alertmanager_config="/nowhere/alertmanager.yml",
    )
    assert status != 0
    for variable in ("address", "prometheus_port", "alertmanager_port", "retention", "alertmanager_config"):
        assert re.search(rf"^monitoring_{variable} ", output, re.MULTILINE), output
    assert inventory.files() == {}


def test_inventory_without_a_host_for_prometheus_is_refused(inventory: Inventory) -> None:
    del inventory.groups["waba_monitoring"]
    status, output = inventory.run()
    assert status != 0
    assert "waba_group_monitoring is 'waba_monitoring'" in " ".join(output.split()).replace("''", "'")
