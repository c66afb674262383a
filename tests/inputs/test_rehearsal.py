"""rehearse.yml refuses an address that containers cannot reach."""

from __future__ import annotations

from pathlib import Path

import yaml
from conftest import HERE
from plays import refusal, run_playbook


def test_address_that_the_host_does_not_have_is_refused(tmp_path: Path) -> None:
    start = {"name": "Start", "ansible.builtin.include_role": {"name": "waba.cluster.rehearsal", "tasks_from": "start"}}
    play = {"name": "Start the stand-in", "hosts": "localhost", "gather_facts": False, "tasks": [start]}
    (tmp_path / "start.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    variables = {**HERE, "rehearsal_address": "192.0.2.1"}
    inventory = {"all": {"vars": variables, "hosts": {"localhost": {}}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    assert (
        "rehearsal_address is '192.0.2.1', and localhost has no such address. Set it to the address of Docker's bridge, which "
        "'docker network inspect bridge' prints."
    ) in refusal(run_playbook(tmp_path / "hosts.yml", str(tmp_path / "start.yml")))
