# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.waba.cluster.plugins.modules import secret_rotation

KINDS = {
    "waba_api_key": {"kind": "alphanumeric", "length": 48},
    "waba_database_password": {"kind": "alphanumeric", "length": 32},
    "waba_admin_password": {"kind": "admin_password", "length": 24},
}
FIRST = {name: f"{name}-first" for name in KINDS}
TEXT = "---\n# Secrets, and a comment that stays.\n" + "".join(f"{name}: {value}\n" for name, value in FIRST.items())

Rotate = Callable[..., dict[str, Any]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "secrets.yml"
    found.write_text(TEXT, encoding="utf-8")
    return found


@pytest.fixture
def rotate(run: Callable[..., dict[str, Any]], path: Path) -> Rotate:
    """Run a step with the variables of the file, or with other ones."""

    def step(name: str, **options: Any) -> dict[str, Any]:
        current = options.pop("current", None) or yaml.safe_load(path.read_text())
        return run(secret_rotation, path=str(path), step=name, current=current, **options)

    return step


def test_each_step_changes_the_variables_of_the_rotation_only(rotate: Rotate, path: Path) -> None:
    begun = rotate("begin", secrets=KINDS)["secrets"]
    assert sorted(begun) == ["waba_next_admin_password", "waba_next_api_key", "waba_next_database_password"]
    assert yaml.safe_load(path.read_text()) == {**FIRST, **begun}
    advanced = rotate("advance")["secrets"]
    new = {name: begun[name.replace("waba_", "waba_next_", 1)] for name in KINDS}
    previous = {
        "waba_previous_api_key": FIRST["waba_api_key"],
        "waba_previous_database_password": FIRST["waba_database_password"],
    }
    assert advanced == {**new, **previous, **dict.fromkeys(begun, ""), "waba_database_account": "waba_2"}
    assert yaml.safe_load(path.read_text()) == {**new, **previous, "waba_database_account": "waba_2"}
    assert rotate("finish")["secrets"] == dict.fromkeys(previous, "")
    assert yaml.safe_load(path.read_text()) == {**new, "waba_database_account": "waba_2"}
    assert path.read_text().startswith("---\n# Secrets, and a comment that stays.\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_previous_token_key_stays_until_it_is_retired(rotate: Rotate, path: Path) -> None:
    path.write_text("waba_jwt_key: new\nwaba_previous_jwt_key: old\nwaba_previous_api_key: old\n")
    rotate("finish", current={"waba_jwt_key": "new"})
    assert yaml.safe_load(path.read_text()) == {"waba_jwt_key": "new", "waba_previous_jwt_key": "old"}
    rotate("retire")
    assert yaml.safe_load(path.read_text()) == {"waba_jwt_key": "new"}


def test_step_that_is_repeated_changes_nothing(rotate: Rotate, path: Path) -> None:
    before = path.read_text()
    for step in ("advance", "finish", "retire"):
        assert rotate(step)["changed"] is False
    assert path.read_text() == before


def test_rotation_that_has_begun_meanwhile_is_not_begun_again(rotate: Rotate, path: Path) -> None:
    rotate("begin", secrets={"waba_api_key": KINDS["waba_api_key"]})
    before = path.read_text()
    answer = rotate("begin", secrets=KINDS, current=FIRST)
    assert "Another run has begun a rotation meanwhile" in answer["msg"]
    assert path.read_text() == before


def test_check_mode_writes_nothing(run: Callable[..., dict], path: Path) -> None:
    answer = run(secret_rotation, check_mode=True, path=str(path), step="begin", secrets=KINDS, current=FIRST)
    assert answer["changed"]
    assert path.read_text() == TEXT


def test_diff_contains_names_but_no_secret(rotate: Rotate) -> None:
    answer = rotate("begin", secrets=KINDS)
    assert "waba_next_api_key (changed)" in answer["diff"]["after"]
    assert not any(value in str(answer["diff"]) for value in answer["secrets"].values())


@pytest.mark.parametrize(
    ("step", "current", "instruction"),
    [
        ("begin", {}, "Add waba_next_api_key, waba_next_database_password, waba_next_admin_password with new values"),
        (
            "advance",
            {"waba_next_api_key": "n1", "waba_next_admin_password": "n2", "waba_next_database_password": "n3"},
            "rename waba_database_password to waba_previous_database_password, rename waba_api_key to waba_previous_api_key, "
            "remove waba_admin_password, rename waba_next_database_password to waba_database_password, "
            "rename waba_next_api_key to waba_api_key, rename waba_next_admin_password to waba_admin_password, "
            "set waba_database_account to waba_2",
        ),
        ("finish", {"waba_previous_api_key": "p1"}, "Remove waba_previous_api_key"),
        ("retire", {"waba_previous_jwt_key": "p1"}, "Remove waba_previous_jwt_key"),
    ],
)
def test_secrets_that_are_set_elsewhere_are_refused_with_the_lines_to_change(
    rotate: Rotate, path: Path, step: str, current: dict[str, str], instruction: str
) -> None:
    path.write_text("other: variable\n")
    answer = rotate(step, secrets=KINDS if step == "begin" else {}, current={**FIRST, **current})
    assert "These are not set in" in answer["msg"]
    assert instruction in answer["msg"]
    assert not any(value in answer["msg"] for value in FIRST.values())
    assert path.read_text() == "other: variable\n"


def test_encrypted_file_is_refused(rotate: Rotate, path: Path) -> None:
    path.write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    answer = rotate("begin", secrets=KINDS, current=FIRST)
    assert (
        "is encrypted, so it is not changed here. Decrypt it for this run, or edit it: Add waba_next_" in answer["msg"]
    )


def test_value_of_several_lines_is_refused_without_a_change(rotate: Rotate, path: Path) -> None:
    text = "waba_api_key: >-\n  first\n  line\nwaba_next_api_key: next\n"
    path.write_text(text)
    answer = rotate("advance")
    assert "it cannot be changed, because its variables are not single lines" in answer["msg"]
    assert path.read_text() == text


@pytest.mark.parametrize("value", ['it\'s "quoted" \\ back', "ümläut", "# no comment", "yes", "0123"])
def test_previous_value_of_an_operator_is_stored_as_it_is(rotate: Rotate, path: Path, value: str) -> None:
    path.write_text(yaml.safe_dump({"waba_api_key": value, "waba_next_api_key": "next"}, allow_unicode=True))
    rotate("advance")
    assert yaml.safe_load(path.read_text()) == {"waba_api_key": "next", "waba_previous_api_key": value}


def test_secret_that_cannot_be_rotated_is_refused(rotate: Rotate) -> None:
    answer = rotate("begin", secrets={"waba_cloud_token": {"kind": "alphanumeric", "length": 8}})
    assert "secrets.waba_cloud_token cannot be rotated" in answer["msg"]
