"""What an operator gets to see of a running cluster: its logs."""

from __future__ import annotations

import stat
import tarfile
from pathlib import Path

import pytest
import yaml
from conftest import NAME, SECRETS_FILE, Cluster, changed, play

DOWN = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}


@pytest.fixture
def one_host_is_down(tmp_path: Path) -> tuple[str, str]:
    """Arguments that add a coreapp's host which nobody reaches."""
    path = tmp_path / "down.yml"
    path.write_text(yaml.safe_dump({"waba_coreapps": {"hosts": {"gone": DOWN}}}), encoding="utf-8")
    return "-i", str(path)


def test_logs_come_from_every_host_that_is_up_without_a_secret(
    cluster: Cluster, tmp_path: Path, one_host_is_down: tuple[str, str]
) -> None:
    secrets = [str(value) for value in yaml.safe_load(SECRETS_FILE.read_text(encoding="utf-8")).values()]
    for secret in secrets:
        cluster.container("wacore1").exec_run(["sh", "-c", 'echo "it is $1." > /proc/1/fd/1', "sh", secret])
    before = cluster.started()
    result = play("playbooks/logs.yml", *one_host_is_down, "-e", f"waba_logs_dir={tmp_path}/logs")
    changed(result)
    assert "MISSING: it cannot be reached" in " ".join(result.stdout.split())
    assert cluster.started() == before

    (archive,) = (tmp_path / "logs").glob("*.tar.gz")
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with tarfile.open(archive) as opened:
        files = {
            "/".join(Path(one.name).parts[1:]): opened.extractfile(one).read().decode()
            for one in opened
            if one.isfile()
        }
    assert [name for name, text in files.items() if any(secret in text for secret in secrets)] == []
    assert files["localhost/debug_output.txt"].count("it is ********.") == len(secrets)
    assert all(f"{one.name} " in files["localhost/debug_output.txt"] for one in cluster.containers())
    assert "WA_DB_PASSWORD='********'" in files["localhost/files/db.env"]
    assert '"primary_master"' in files["health.json"]
    assert "gone" in files["summary.txt"]
    assert list(Path("/var/tmp").glob(f"waba-logs.{NAME}.*")) == []
