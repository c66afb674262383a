"""The built artifact contains what a user installs and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TOP_LEVEL = {
    *("FILES.json", "LICENSE", "MANIFEST.json", "README.md", "CHANGELOG.md", "CHANGELOG.rst"),
    *("CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "MAINTAINING.md", "SECURITY.md"),  # documents link to them
    *("changelogs", "docs", "inventories", "meta", "playbooks", "plugins", "roles"),
}


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifact")
    subprocess.run(
        ["ansible-galaxy", "collection", "build", "--output-path", folder], cwd=ROOT, check=True, capture_output=True
    )
    (built,) = folder.glob("waba-cluster-*.tar.gz")
    return built


@pytest.fixture(scope="module")
def names(artifact: Path) -> list[str]:
    with tarfile.open(artifact) as archive:
        return archive.getnames()


@pytest.mark.parametrize(
    "needed",
    [
        "playbooks/site.yml",
        "playbooks/uninstall.yml",
        "roles/images/files/node/Containerfile",
        "roles/images/files/node/src/waba_node/__main__.py",
        "roles/images/files/mariadb/Containerfile",
        "changelogs/changelog.yaml",
    ],
)
def test_artifact_contains_what_an_installation_needs(names: list[str], needed: str) -> None:
    assert needed in names


def test_artifact_contains_no_file_of_development(names: list[str]) -> None:
    assert {name.partition("/")[0] for name in names} - TOP_LEVEL == set()
    unwanted = (
        "roles/images/files/node/tests",
        "roles/images/files/node/requirements-test.txt",
        "changelogs/fragments",
    )
    assert [name for name in names if name.startswith(unwanted) or name.endswith("waba_secrets.yml")] == []
    assert [name for name in names if "__pycache__" in name or "/." in name] == []


def listed_tasks(playbook: str | Path, collections: Path) -> str:
    """Return the list of the tasks of a playbook. collections: the folder of the installed collection, and no other is found."""
    listed = subprocess.run(
        ["ansible-playbook", playbook, "-i", ROOT / "inventories/single_server", "--list-tasks"],
        cwd=collections,
        env={
            "PATH": str(Path(sys.executable).parent) + ":/usr/bin:/bin",
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "HOME": str(collections),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert listed.returncode == 0, listed.stderr
    return listed.stdout


def test_installed_playbook_runs_with_the_folders_that_a_collection_may_use(artifact: Path, tmp_path: Path) -> None:
    """The Ansible community package requires that a collection works without its other folders."""
    subprocess.run(
        ["ansible-galaxy", "collection", "install", "--force", "--offline", "--collections-path", tmp_path, artifact],
        check=True,
        capture_output=True,
    )
    installed = tmp_path / "ansible_collections/waba/cluster"
    for path in installed.iterdir():
        if path.is_dir() and path.name not in ("meta", "playbooks", "plugins", "roles"):
            shutil.rmtree(path)
    roles = sorted(f"waba.cluster.{path.name}" for path in (installed / "roles").iterdir())
    every_role = tmp_path / "every_role.yml"
    every_role.write_text(yaml.safe_dump([{"name": "Load every role", "hosts": "all", "roles": roles}]))
    assert "waba.cluster.topology : " in listed_tasks("waba.cluster.site", tmp_path)
    listed = listed_tasks(every_role, tmp_path)
    assert {role for role in roles if f"{role} : " not in listed} == {"waba.cluster.common"}, "it has no tasks"
    sources = [path.parent.name for path in (installed / "roles/images/files").glob("*/Containerfile")]
    assert sorted(sources) == ["haproxy", "mariadb", "monitoring", "mysql", "node"]
