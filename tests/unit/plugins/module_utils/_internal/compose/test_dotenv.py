# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import dotenv
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CHARACTERS = st.one_of(
    st.sampled_from("\\\"'$#={} \t\r`!:%"), st.characters(exclude_categories=["Cs"], exclude_characters="\n\0")
)
VALUES = st.text(CHARACTERS, max_size=20)
SUPPORTED = VALUES.filter(lambda value: dotenv.unsupported(value) is None)
NAMES = st.from_regex(dotenv.NAME, fullmatch=True)


def read_by_docker_run(text: str) -> dict[str, str]:
    """Read an environment file by the rules of `docker run --env-file` (docker/cli, opts/file.go), independently of the writer."""
    found = {}
    for line in text.encode().decode("utf-8-sig").split("\n"):
        line = line.removesuffix("\r").lstrip(" \t")
        if line and not line.startswith("#"):
            name, _equals, value = line.partition("=")
            assert not set(" \t") & set(name)
            assert len(line.encode()) < 64 * 1024
            found[name] = value
    return found


@given(st.dictionaries(NAMES, SUPPORTED, max_size=6))
def test_docker_run_reads_every_supported_value(environment: dict[str, str]) -> None:
    assert read_by_docker_run(dotenv.render(environment, "a comment")) == environment


@given(st.dictionaries(NAMES, SUPPORTED, max_size=6))
def test_a_rendered_file_is_parsed_back(environment: dict[str, str]) -> None:
    assert dotenv.parsed(dotenv.render(environment, "a comment")) == environment


def test_a_file_with_quotes_that_was_written_by_hand_is_parsed() -> None:
    assert dotenv.parsed('A=\'it\'\nB="a\\"b"\nC=plain\n# comment\n') == {"A": "it", "B": 'a"b', "C": "plain"}


def read_by_compose(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """Read an environment file with the real Docker Compose."""
    (folder / "db.env").write_bytes(dotenv.render(environment, "a comment").encode())
    (folder / "compose.yml").write_text("name: dotenv\nservices: {one: {image: none, env_file: [./db.env]}}\n")
    command = ["docker", "compose", "--file", str(folder / "compose.yml"), "config", "--format", "json"]
    answer = subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    found = json.loads(answer.stdout)["services"]["one"]["environment"]
    return {name: (value or "").replace("$$", "$") for name, value in found.items()}


@pytest.mark.usefixtures("real_compose")
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much])
@given(values=st.lists(SUPPORTED, min_size=30, max_size=60))
def test_the_real_compose_reads_every_supported_value(tmp_path: Path, values: list[str]) -> None:
    wanted = {f"V{index}": value for index, value in enumerate(values)}
    assert read_by_compose(tmp_path, wanted) == wanted


@pytest.mark.usefixtures("real_compose")
@pytest.mark.parametrize("value", ["a$b", "$$", " a", "a ", "'a'", '"a"', "a #b"])
def test_a_refused_value_would_be_changed_by_the_real_compose(tmp_path: Path, value: str) -> None:
    assert dotenv.unsupported(value)
    assert read_by_compose(tmp_path, {"A": value}) != {"A": value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("A", "one\ntwo"),
        ("A", "two\r"),
        ("A", "nul\0"),
        ("A", "two$"),
        ("A", "'two"),
        ("A", "two "),
        ("A", "#two"),
        ("A", "one\t#two"),
        ("A", "two" * 30_000),
        ("A", "\udcff"),
        ("A", True),
        ("A", None),
        ("A", ["x"]),
        ("1A", "x"),
        ("A=B", "x"),
    ],
)
def test_an_unsupported_variable_is_refused_without_its_value(name: str, value: object) -> None:
    values, problems = dotenv.checked({name: value, "GOOD": 3306}, "environment")
    assert values == {"GOOD": "3306"}
    assert [problem.variable for problem in problems] == [f"environment.{name}"]
    assert "two" not in str(problems)


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=9, max_size=30),
    st.binary(min_size=16, max_size=16),
)
def test_a_masked_file_shows_that_a_value_changed_but_not_the_value(value: str, key: bytes) -> None:
    def masked(text: str) -> str:
        return dotenv.masked(dotenv.render({"WA_DB_PASSWORD": text}, "a comment"), key)

    assert value not in masked(value)
    assert masked(value) == masked(value)
    assert masked(value) != masked(value + "x")
