# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import subprocess

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.compose import dotenv
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CHARACTERS = st.one_of(
    st.sampled_from("\\\"'$#={} \t\r`!"), st.characters(exclude_categories=["Cs"], exclude_characters="\n\0")
)
VALUES = st.text(CHARACTERS, max_size=20)


def read_back(text):
    """Read one quoted value by the published rules of dotenv files: the reading, written apart from the writing."""
    body, mark = text[1:-1], text[0]
    assert text[-1] == mark
    if mark == "'":
        assert "'" not in body
        assert not body.endswith("\\")
        return body
    value, position = "", 0
    while position < len(body):
        assert body[position] not in '"$', "neither a quote nor an expansion may stand open"
        position += body[position] == "\\"
        value += body[position]
        position += 1
    return value


@given(VALUES)
def test_every_value_is_read_back_as_it_was(value):
    assert read_back(dotenv.quoted(value)) == value


@given(st.dictionaries(st.from_regex(dotenv.NAME, fullmatch=True), VALUES, max_size=6))
def test_a_whole_file_is_parsed_as_it_was_rendered(environment):
    assert dotenv.parsed(dotenv.render(environment, "a comment")) == environment


@pytest.mark.usefixtures("real_compose")
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(VALUES, min_size=30, max_size=60))
def test_the_real_compose_reads_every_value_back(tmp_path, values):
    wanted = {f"V{index}": value for index, value in enumerate(values)}
    (tmp_path / "db.env").write_bytes(dotenv.render(wanted, "a comment").encode())
    (tmp_path / "compose.yml").write_text("name: quoting\nservices: {one: {image: none, env_file: [./db.env]}}\n")
    command = ["docker", "compose", "--file", str(tmp_path / "compose.yml"), "config", "--format", "json"]
    answer = subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    environment = json.loads(answer.stdout)["services"]["one"]["environment"]
    assert {name: (value or "").replace("$$", "$") for name, value in environment.items()} == wanted


@pytest.mark.parametrize(
    ("name", "value"),
    [("A", "one\ntwo"), ("A", "nul\0"), ("A", True), ("A", None), ("A", ["x"]), ("1A", "x"), ("A=B", "x")],
)
def test_what_an_environment_file_cannot_carry_is_refused_by_name(name, value):
    values, problems = dotenv.checked({name: value, "GOOD": 3306}, "environment")
    assert values == {"GOOD": "3306"}
    assert [problem.variable for problem in problems] == [f"environment.{name}"]
    assert "two" not in str(problems)


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=9, max_size=30),
    st.binary(min_size=16, max_size=16),
)
def test_a_masked_file_shows_that_a_value_changed_and_nothing_of_it(value, key):
    def masked(text):
        return dotenv.masked(dotenv.render({"WA_DB_PASSWORD": text}, "a comment"), key)

    assert value not in masked(value)
    assert masked(value) == masked(value)
    assert masked(value) != masked(value + "x")
