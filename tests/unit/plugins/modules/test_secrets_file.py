# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import stat
import sys

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.waba.cluster.plugins.modules import secrets_file

WANTED = {"db": {"kind": "alphanumeric", "length": 32}, "admin": {"kind": "admin_password", "length": 24}}


def test_a_second_run_changes_nothing(run, tmp_path):
    path = tmp_path / "new" / "secrets.yml"
    first = run(secrets_file, path=str(path), secrets=WANTED)
    assert (first["changed"], first["generated"]) == (True, ["admin", "db"])
    assert yaml.safe_load(path.read_text()) == first["secrets"]
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path.parent, path)] == [0o700, 0o600]
    second = run(secrets_file, path=str(path), secrets=WANTED)
    assert (second["changed"], second["secrets"]) == (False, first["secrets"])
    assert [one.name for one in path.parent.iterdir()] == ["secrets.yml"]


def test_check_mode_predicts_and_writes_nothing(run, tmp_path):
    answer = run(secrets_file, check_mode=True, path=str(tmp_path / "new" / "secrets.yml"), secrets=WANTED)
    assert answer["changed"]
    assert sorted(answer["secrets"]) == ["admin", "db"]
    assert list(tmp_path.iterdir()) == []


def test_the_diff_names_and_never_shows(run, tmp_path):
    answer = run(secrets_file, path=str(tmp_path / "secrets.yml"), secrets=WANTED)
    assert "admin" in answer["diff"]["after"]
    assert not any(secret in str(answer["diff"]) for secret in answer["secrets"].values())


def test_what_is_given_is_not_generated(run, tmp_path):
    path = tmp_path / "secrets.yml"
    answer = run(secrets_file, path=str(path), secrets=WANTED, given=["db", "admin"])
    assert (answer["changed"], answer["secrets"], path.exists()) == (False, {}, False)


def test_a_file_that_others_can_read_is_closed(run, tmp_path):
    path = tmp_path / "secrets.yml"
    path.write_text("db: one-secret\n")
    path.chmod(0o644)
    answer = run(secrets_file, path=str(path), secrets={"db": WANTED["db"]})
    assert (answer["changed"], answer["secrets"]) == (True, {"db": "one-secret"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == "db: one-secret\n"


def test_an_encrypted_file_is_left_alone(run, tmp_path):
    path = tmp_path / "secrets.yml"
    path.write_text("$ANSIBLE_VAULT;1.1;AES256\n3132\n")
    path.chmod(0o644)
    answer = run(secrets_file, path=str(path), secrets=WANTED, given=["db"])
    assert answer["failed"]
    assert "admin" in answer["msg"]
    assert "ansible-vault edit" in answer["msg"]
    assert not run(secrets_file, path=str(path), secrets=WANTED, given=["db", "admin"])["changed"]
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("$ANSIBLE_VAULT;1.1;AES256\n3132\n", 0o644)


def test_a_value_that_is_encrypted_in_place_is_no_hindrance(run, tmp_path):
    path = tmp_path / "secrets.yml"
    path.write_text("other: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3132\n")
    answer = run(secrets_file, path=str(path), secrets=WANTED)
    assert answer["generated"] == ["admin", "db"]
    assert path.read_text().startswith("other: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3132\n")


@pytest.mark.parametrize("value", ["", "''", "{a: b}", "[x]", "!vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3132"])
def test_what_is_no_secret_is_refused_by_name(run, tmp_path, value):
    path = tmp_path / "secrets.yml"
    path.write_text(f"db: {value}\n")
    answer = run(secrets_file, path=str(path), secrets=WANTED)
    assert answer.get("failed")
    assert "db" in answer["msg"]
    assert path.read_text() == f"db: {value}\n"


@pytest.mark.parametrize("text", ["{other: 1}\n", "  other: 1\n", "other: 1\n...\n", "other: {\n", "- other\n"])
def test_a_file_that_cannot_be_appended_to_stays_as_it_is(run, tmp_path, text):
    path = tmp_path / "secrets.yml"
    path.write_text(text)
    answer = run(secrets_file, path=str(path), secrets=WANTED)
    assert answer.get("failed")
    assert "by hand" in answer["msg"]
    assert path.read_text() == text


@pytest.mark.parametrize(
    "secret", [{"kind": "alphanumeric"}, {"kind": "other", "length": 9}, {"kind": "admin_password", "length": 7}, 1]
)
def test_a_wrong_request_is_refused_by_name(run, tmp_path, secret):
    answer = run(secrets_file, path=str(tmp_path / "secrets.yml"), secrets={"mine": secret})
    assert "secrets.mine" in answer["msg"]


def test_a_link_stays_a_link(run, tmp_path):
    path, link = tmp_path / "kept.yml", tmp_path / "secrets.yml"
    path.write_text("# mine\nother: 1\n")
    link.symlink_to(path)
    run(secrets_file, path=str(link), secrets=WANTED)
    assert link.is_symlink()
    assert yaml.safe_load(path.read_text())["other"] == 1


def test_a_bare_name_is_a_file_in_the_working_folder(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(secrets_file, path="secrets.yml", secrets=WANTED)
    assert (tmp_path / "secrets.yml").exists()


def test_what_a_killed_run_left_goes_and_is_no_answer(run, tmp_path):
    path, left = tmp_path / "secrets.yml", tmp_path / ".secrets.yml.new"
    left.write_text("db: a-secret-that-nobody-uses\n")
    first = run(secrets_file, path=str(path), secrets=WANTED)
    assert first["secrets"]["db"] != "a-secret-that-nobody-uses"
    left.write_text("db: a-secret-that-nobody-uses\n")
    assert run(secrets_file, path=str(path), secrets=WANTED)["changed"]
    assert [one.name for one in tmp_path.iterdir()] == ["secrets.yml"]
    assert not run(secrets_file, path=str(path), secrets=WANTED)["changed"]


def answer_aside(path):
    """Run the module in a process of its own, as Ansible does; return where its answer can be read."""
    receiver, sender = os.pipe()
    if not os.fork():
        try:
            with os.fdopen(sender, "w") as sys.stdout, patch_module_args({"path": str(path), "secrets": WANTED}):
                secrets_file.main()
        finally:
            os._exit(0)
    os.close(sender)
    return os.fdopen(receiver)


def test_runs_at_the_same_time_agree(tmp_path):
    path = tmp_path / "secrets.yml"
    said = [json.loads(answer.read())["secrets"] for answer in [answer_aside(path) for _run in range(8)]]
    assert said == [yaml.safe_load(path.read_text())] * 8
