"""The proxy of hosts in the variables of the role common, as Ansible evaluates them, and in the tasks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

ROOT = Path(__file__).resolve().parents[2]
URL = "http://user:secret@proxy.example.com:3128"
TOPOLOGY = {"images": {"source": "registry"}, "names": [{"host": "a", "names": ["a.test", "192.0.2.1"]}]}
INSTALLER = ROOT / "roles/common/tasks/install_packages.yml"


def value(name: str, **settings: Any) -> Any:
    """Return a variable of the role common with these settings."""
    loader = DataLoader()
    variables: dict[str, Any] = {}
    for file in ("defaults/main.yml", "vars/main.yml"):
        variables.update(loader.load_from_file(str(ROOT / "roles/common" / file), trusted_as_template=True))
    return Templar(loader, {**variables, **settings}).template(variables[name])


def test_hosts_of_the_cluster_are_reached_without_the_proxy() -> None:
    given = {"waba_topology": TOPOLOGY, "waba_proxy": URL, "waba_no_proxy": ["mirror"]}
    assert value("__waba_egress_proxy", **given) == {"url": URL, "direct": ["mirror"], "hosts": ["a.test", "192.0.2.1"]}


def test_only_an_engine_that_pulls_from_a_registry_gets_the_proxy() -> None:
    assert value("__waba_engine_proxy", waba_topology=TOPOLOGY, waba_proxy=URL)["url"] == URL
    built = {**TOPOLOGY, "images": {"source": "build"}}
    assert value("__waba_engine_proxy", waba_topology=built, waba_proxy=URL) == {}


@pytest.mark.parametrize("name", ["__waba_egress_proxy", "__waba_engine_proxy"])
def test_role_outside_the_playbooks_needs_no_topology(name: str) -> None:
    assert value(name) == {}


def test_proxy_of_the_hosts_is_the_default_of_the_nodes() -> None:
    assert value("waba_cloud_proxy", waba_proxy=URL) == URL


def test_file_for_apt_is_closed_to_other_users_before_it_has_the_password() -> None:
    first, second = DataLoader().load_from_file(str(INSTALLER))[0]["block"][:2]
    created, written = first["ansible.builtin.file"], second["ansible.builtin.copy"]
    assert (created["path"], created["mode"], created["state"]) == (written["dest"], "0600", "touch")


def test_every_role_installs_packages_through_the_proxy() -> None:
    """Removing packages needs no network."""
    tasks = [path for path in ROOT.glob("roles/*/tasks/*.yml") if path != INSTALLER]
    pattern = re.compile(r"ansible\.builtin\.(?:apt|package):\n(?:    +.*\n)*")
    found = {path: pattern.findall(path.read_text(encoding="utf-8")) for path in tasks}
    assert [path for path, calls in found.items() if any("state: absent" not in call for call in calls)] == []
