"""Playbooks for an existing cluster never generate secrets: a new file would disable the check of site.yml for a missing file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from cases import FIRST
from conftest import HERE
from plays import run_playbook

GROUPS = ("waba_mysql", "waba_masters", "waba_coreapps", "waba_webapps")
KEY = "waba_api_key is not known. Bring"
MESSAGES = {
    "backup.yml": "",
    "restore.yml": "there is no such file on the controller",
    "restart.yml": KEY,
    "rollback.yml": "waba_api_key, waba_jwt_key, waba_node_secret. Bring",
}


@pytest.mark.parametrize("playbook", MESSAGES)
def test_playbook_generates_no_secrets_file(tmp_path: Path, playbook: str) -> None:
    secrets = tmp_path / "waba_secrets.yml"
    settings = {
        **HERE,
        "waba_cluster_name": "waba-inputs",
        "waba_dir": str(tmp_path / "waba"),
        "waba_backup_dir": str(tmp_path / "backups"),
        "waba_secrets_file": str(secrets),
        "waba_layout": "single_server",
        "waba_ha": False,
        "waba_webapp_instances": [{"name": "waweb", "port": FIRST}],
    }
    groups: dict[str, object] = {name: {"hosts": {"localhost": {}}} for name in GROUPS}
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"vars": settings, "children": groups}}), encoding="utf-8")
    result = run_playbook(inventory, f"playbooks/{playbook}")
    assert result.returncode != 0, result.stdout
    assert MESSAGES[playbook] in " ".join(result.stdout.split()), result.stdout
    assert not secrets.exists()
