"""The built artifact is what a user installs: whole, and without what is ours alone."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifact")
    subprocess.run(
        ["ansible-galaxy", "collection", "build", "--output-path", folder], cwd=ROOT, check=True, capture_output=True
    )
    (built,) = folder.glob("waba-cluster-*.tar.gz")
    return built


def test_contents(artifact: Path) -> None:
    with tarfile.open(artifact) as archive:
        names = archive.getnames()
    for needed in (
        "playbooks/site.yml",
        "playbooks/uninstall.yml",
        "images/node/Containerfile",
        "images/mariadb/Containerfile",
    ):
        assert needed in names
    unwanted = (".git/", ".venv/", ".build/", "tests/", "molecule/", "images/node/tests/")
    assert [name for name in names if name.startswith(unwanted) or name.endswith("waba_secrets.yml")] == []


def test_installed_plays_run_by_full_name(artifact: Path, tmp_path: Path) -> None:
    subprocess.run(
        ["ansible-galaxy", "collection", "install", "--force", "--offline", "--collections-path", tmp_path, artifact],
        check=True,
        capture_output=True,
    )
    listed = subprocess.run(
        ["ansible-playbook", "waba.cluster.site", "-i", ROOT / "inventories/single_server", "--list-tasks"],
        cwd=tmp_path,
        env={
            "PATH": str(Path(subprocess.sys.executable).parent) + ":/usr/bin:/bin",
            "ANSIBLE_COLLECTIONS_PATH": str(tmp_path),
            "HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert listed.returncode == 0, listed.stderr
    assert "waba.cluster.webapp" in listed.stdout or "Run this host's webapps" in listed.stdout
