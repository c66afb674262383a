# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.waba.cluster.plugins.modules import secrets_file

WANTED = {"db": {"kind": "alphanumeric", "length": 32}, "admin": {"kind": "admin_password", "length": 24}}


def test_a_second_run_changes_nothing(run: Callable[..., dict], tmp_path: Path) -> None:
    path = tmp_path / "new" / "secrets.yml"
    first = run(secrets_file, path=str(path), secrets=WANTED)
    assert (first["changed"], first["generated"]) == (True, ["admin", "db"])
    assert yaml.safe_load(path.read_text()) == first["secrets"]
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path.parent, path)] == [0o700, 0o600]
    second = run(secrets_file, path=str(path), secrets=WANTED)
    assert (second["changed"], second["secrets"]) == (False, first["secrets"])
    assert [one.name for one in path.parent.iterdir()] == ["secrets.yml"]


def test_check_mode_predicts_and_writes_nothing(run: Callable[..., dict], tmp_path: Path) -> None:
    answer = run(secrets_file, check_mode=True, path=str(tmp_path / "new" / "secrets.yml"), secrets=WANTED)
    assert answer["changed"]
    assert sorted(answer["secrets"]) == ["admin", "db"]
    assert list(tmp_path.iterdir()) == []


def test_the_diff_contains_names_but_no_secret(run: Callable[..., dict], tmp_path: Path) -> None:
    answer = run(secrets_file, path=str(tmp_path / "secrets.yml"), secrets=WANTED)
    assert "admin" in answer["diff"]["after"]
    assert not any(secret in str(answer["diff"]) for secret in answer["secrets"].values())


def test_a_secret_that_is_set_elsewhere_is_not_generated(run: Callable[..., dict], tmp_path: Path) -> None:
    path = tmp_path / "secrets.yml"
    answer = run(secrets_file, path=str(path), secrets=WANTED, given=["db", "admin"])
    assert (answer["changed"], answer["secrets"], path.exists()) == (False, {}, False)


def test_an_issued_secret_is_read_and_never_generated(run: Callable[..., dict], tmp_path: Path) -> None:
    path = tmp_path / "secrets.yml"
    path.write_text("token: issued\n")
    first = run(secrets_file, path=str(path), secrets={"db": WANTED["db"]}, read=["token", "pin"])
    assert (first["generated"], sorted(first["secrets"]), first["secrets"]["token"]) == (
        ["db"],
        ["db", "token"],
        "issued",
    )
    second = run(secrets_file, path=str(path), secrets={"db": WANTED["db"]}, read=["token", "pin"], given=["db"])
    assert (second["changed"], second["secrets"]) == (False, {"token": "issued"})


def test_a_file_that_others_can_read_gets_the_mode_0600(run: Callable[..., dict], tmp_path: Path) -> None:
    path = tmp_path / "secrets.yml"
    path.write_text("db: one-secret\n")
    path.chmod(0o644)
    answer = run(secrets_file, path=str(path), secrets={"db": WANTED["db"]})
    assert (answer["changed"], answer["secrets"]) == (True, {"db": "one-secret"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == "db: one-secret\n"


def test_an_encrypted_file_is_not_changed(run: Callable[..., dict], tmp_path: Path) -> None:
    path = tmp_path / "secrets.yml"
    path.write_text("$ANSIBLE_VAULT;1.1;AES256\n3132\n")
    path.chmod(0o644)
    answer = run(secrets_file, path=str(path), secrets=WANTED, given=["db"])
    assert answer["failed"]
    assert "admin" in answer["msg"]
    assert "ansible-vault edit" in answer["msg"]
    assert not run(secrets_file, path=str(path), secrets=WANTED, given=["db", "admin"])["changed"]
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("$ANSIBLE_VAULT;1.1;AES256\n3132\n", 0o644)


def test_a_file_with_an_encrypted_value_can_be_extended(run: Callable[..., dict], tmp_path: Path) -> None:
    path = tmp_path / "secrets.yml"
    path.write_text("other: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3132\n")
    answer = run(secrets_file, path=str(path), secrets=WANTED)
    assert answer["generated"] == ["admin", "db"]
    assert path.read_text().startswith("other: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3132\n")


@pytest.mark.parametrize("value", ["", "''", "{a: b}", "[x]", "!vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3132"])
def test_an_unusable_value_is_refused_and_named(run: Callable[..., dict], tmp_path: Path, value: str) -> None:
    path = tmp_path / "secrets.yml"
    path.write_text(f"db: {value}\n")
    answer = run(secrets_file, path=str(path), secrets=WANTED)
    assert answer.get("failed")
    assert "db" in answer["msg"]
    assert path.read_text() == f"db: {value}\n"


@pytest.mark.parametrize("text", ["{other: 1}\n", "  other: 1\n", "other: 1\n...\n", "other: {\n", "- other\n"])
def test_a_file_that_cannot_be_extended_remains_unchanged(run: Callable[..., dict], tmp_path: Path, text: str) -> None:
    path = tmp_path / "secrets.yml"
    path.write_text(text)
    answer = run(secrets_file, path=str(path), secrets=WANTED)
    assert answer.get("failed")
    assert "by hand" in answer["msg"]
    assert path.read_text() == text


@pytest.mark.parametrize(
    "secret", [{"kind": "alphanumeric"}, {"kind": "other", "length": 9}, {"kind": "admin_password", "length": 7}, 1]
)
def test_an_invalid_request_is_refused_and_named(run: Callable[..., dict], tmp_path: Path, secret: object) -> None:
    answer = run(secrets_file, path=str(tmp_path / "secrets.yml"), secrets={"mine": secret})
    assert "secrets.mine" in answer["msg"]


def test_a_symbolic_link_is_preserved(run: Callable[..., dict], tmp_path: Path) -> None:
    path, link = tmp_path / "target.yml", tmp_path / "secrets.yml"
    path.write_text("# mine\nother: 1\n")
    link.symlink_to(path)
    run(secrets_file, path=str(link), secrets=WANTED)
    assert link.is_symlink()
    assert yaml.safe_load(path.read_text())["other"] == 1


def test_a_relative_path_is_in_the_working_directory(
    run: Callable[..., dict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(secrets_file, path="secrets.yml", secrets=WANTED)
    assert (tmp_path / "secrets.yml").exists()


def test_leftovers_of_an_interrupted_run_are_removed_and_not_used(run: Callable[..., dict], tmp_path: Path) -> None:
    path, left = tmp_path / "secrets.yml", tmp_path / ".secrets.yml.new"
    left.write_text("db: an-unused-secret\n")
    first = run(secrets_file, path=str(path), secrets=WANTED)
    assert first["secrets"]["db"] != "an-unused-secret"
    left.write_text("db: an-unused-secret\n")
    assert run(secrets_file, path=str(path), secrets=WANTED)["changed"]
    assert [one.name for one in tmp_path.iterdir()] == ["secrets.yml"]
    assert not run(secrets_file, path=str(path), secrets=WANTED)["changed"]


def run_in_subprocess(path: Path) -> IO[str]:
    """Start the module in a process of its own, as Ansible does; return a file with its answer."""
    receiver, sender = os.pipe()
    if not os.fork():
        try:
            with os.fdopen(sender, "w") as sys.stdout, patch_module_args({"path": str(path), "secrets": WANTED}):
                secrets_file.main()
        finally:
            os._exit(0)
    os.close(sender)
    return os.fdopen(receiver)


def test_concurrent_runs_use_the_same_secrets(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yml"
    answers = [json.loads(answer.read())["secrets"] for answer in [run_in_subprocess(path) for _run in range(8)]]
    assert answers == [yaml.safe_load(path.read_text())] * 8


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """A collection as ansible-galaxy installs it, with an inventory in it."""
    folder = tmp_path / "ansible_collections/waba/cluster"
    (folder / "inventory/group_vars/all").mkdir(parents=True)
    for name in ("MANIFEST.json", "FILES.json"):
        (folder / name).write_text("{}")
    return folder


@pytest.mark.parametrize("check_mode", [True, False])
def test_secrets_are_not_written_into_an_installed_collection(
    run: Callable[..., dict], collection: Path, check_mode: bool
) -> None:
    path = collection / "inventory/group_vars/all/waba_secrets.yml"
    answer = run(secrets_file, check_mode=check_mode, path=str(path), secrets=WANTED)
    assert answer["failed"]
    assert f"{path} is in the installed collection {collection}" in answer["msg"]
    assert "waba_secrets_file" in answer["msg"]
    assert list(path.parent.iterdir()) == []


def test_a_link_into_an_installed_collection_is_refused(
    run: Callable[..., dict], collection: Path, tmp_path: Path
) -> None:
    link = tmp_path / "inventory"
    link.symlink_to(collection / "inventory")
    assert run(secrets_file, path=str(link / "new/waba_secrets.yml"), secrets=WANTED)["failed"]
    assert not (link / "new").exists()


def test_existing_secrets_in_an_installed_collection_are_used_with_a_warning(
    run: Callable[..., dict], collection: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, text: warnings.append(text))
    path = collection / "secrets.yml"
    path.write_text("db: one-secret\n")
    path.chmod(0o600)
    answer = run(secrets_file, path=str(path), secrets={"db": WANTED["db"]})
    assert (answer["changed"], answer["secrets"]) == (False, {"db": "one-secret"})
    assert ["waba_secrets_file" in warning for warning in warnings] == [True]


def test_a_checkout_of_a_collection_is_not_an_installed_collection(run: Callable[..., dict], collection: Path) -> None:
    (collection / "FILES.json").unlink()
    assert run(secrets_file, path=str(collection / "secrets.yml"), secrets=WANTED)["changed"]
