"""Versions agree wherever they are stated, and tests/tools/release.py prepares a release."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "tools"))

import release  # noqa: E402


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone of the work tree as it is, with its changes committed."""
    root = tmp_path / "checkout"
    git(ROOT, "clone", "--quiet", "--shared", ".", str(root))
    changes = git(ROOT, "diff", "--binary", "HEAD")
    if changes:
        subprocess.run(["git", "apply", "--index"], cwd=root, input=changes, text=True, check=True)
    commit(root, "changes")
    return root


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def commit(root: Path, message: str) -> None:
    author = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    git(root, *author, "commit", "--quiet", "--all", "--allow-empty", "--message", message)


def versions(collection: str, node: str | None = None, database: str | None = None) -> dict[str, str | None]:
    return {"collection": collection, "node": node, "database": database}


@pytest.mark.parametrize("component", release.COMPONENTS)
def test_every_file_states_the_same_version(component: str) -> None:
    assert re.fullmatch(release.VERSION, release.present(component))


def test_no_document_states_the_version_of_the_artifact() -> None:
    pages = [ROOT / page for page in git(ROOT, "ls-files", "*.md", "*.yml", "*.rst").split()]
    texts = {page: page.read_text(encoding="utf-8") for page in pages if page.exists()}
    assert [page for page, text in texts.items() if re.search(r"waba-cluster-\d", text)] == []


def test_a_release_has_its_versions_and_its_changelog(checkout: Path) -> None:
    release.prepare(versions("9.1.0", node="9.2.0"), checkout)
    assert [release.present(name, checkout) for name in ("collection", "node", "database")] == [
        "9.1.0",
        "9.2.0",
        release.present("database"),
    ]
    assert "default: `9.2.0`" in (checkout / "docs/reference/settings.md").read_text(encoding="utf-8")
    assert "\nv9.1.0\n======\n" in (checkout / "CHANGELOG.rst").read_text(encoding="utf-8")
    assert list((checkout / "changelogs/fragments").glob("*.yml")) == []


def test_a_release_is_refused_before_anything_is_changed(checkout: Path) -> None:
    with pytest.raises(release.Refused, match=r"not a version of the form X\.Y\.Z: 1\.1"):
        release.prepare(versions("1.1"), checkout)
    with pytest.raises(release.Refused, match=r"which is newer than 0\.9\.0"):
        release.prepare(versions("0.9.0"), checkout)
    assert git(checkout, "status", "--porcelain") == ""
    (checkout / "README.md").write_text("changed", encoding="utf-8")
    with pytest.raises(release.Refused, match="the work tree has changes"):
        release.prepare(versions("9.1.0"), checkout)


def test_a_changed_image_needs_a_new_version(checkout: Path) -> None:
    present = release.present("collection")
    changelog = checkout / "changelogs/changelog.yaml"
    content = yaml.safe_load(changelog.read_text(encoding="utf-8"))
    content["releases"][present] = {"release_date": "2026-01-01"}
    changelog.write_text(yaml.safe_dump(content), encoding="utf-8")
    commit(checkout, "Release")
    git(checkout, "tag", present)
    assert list(release.refusals(versions("9.0.0"), checkout)) == []
    with (checkout / "images/node/src/waba_node/clock.py").open("a", encoding="utf-8") as source:
        source.write("# changed\n")
    commit(checkout, "Change the node")
    (reason,) = release.refusals(versions("9.0.0"), checkout)
    assert "the image of the node changed" in reason
    assert list(release.refusals(versions("9.0.0", node="9.0.0"), checkout)) == []
    git(checkout, "checkout", "--quiet", present, "--", "roles/images/files/node")
    with (checkout / "images/monitoring/packages.txt").open("a", encoding="utf-8") as packages:
        packages.write("curl\n")
    commit(checkout, "Change the image of the monitoring only")
    (reason,) = release.refusals(versions("9.0.0"), checkout)
    assert "roles/images/files/monitoring" in reason
    assert any("is released already" in reason for reason in release.refusals(versions(present), checkout))
