# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.generation import generate
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.validation import (
    is_vendor_image,
    secret_problems,
)
from hypothesis import given
from hypothesis import strategies as st

OWN, VENDORS = ["waba/node:v1.0.0"], ["docker.whatsapp.biz/coreapp:v2.57.2"]


@pytest.mark.parametrize("character", "?{}&~!()^=")
def test_a_password_that_the_vendors_client_does_not_accept_is_refused_with_its_images(character: str) -> None:
    secret = {"waba_database_password": f"abc{character}def"}
    (problem,) = secret_problems(secret, VENDORS)
    assert problem.problem == f"the vendor's client does not accept {character} in it"
    assert secret_problems(secret, OWN) == []


@given(st.text(), st.sampled_from([OWN, VENDORS]))
def test_a_problem_never_contains_the_secret(secret: str, images: list[str]) -> None:
    for name in ("waba_database_password", "waba_admin_password", "waba_api_key"):
        for problem in secret_problems({name: f"<{secret}>"}, images):
            assert f"<{secret}>" not in str(problem)


@given(st.sampled_from([12, 24, 64]))
def test_generated_secrets_are_valid_for_every_image(length: int) -> None:
    generated = {
        "waba_database_password": generate("alphanumeric", length),
        "waba_admin_password": generate("admin_password", length),
        "waba_api_key": generate("alphanumeric", length),
    }
    assert secret_problems(generated, VENDORS) == []


@pytest.mark.parametrize("value", [1, True, None, [], {}, "", "two\nlines"])
def test_a_value_that_is_not_one_line_of_text_is_refused(value: object) -> None:
    assert [problem.variable for problem in secret_problems({"waba_jwt_key": value}, OWN)] == ["waba_jwt_key"]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("docker.whatsapp.biz/web:v2.57.2", True),
        ("registry.example:5000/mirror/coreapp@sha256:0123", True),
        ("coreapp", True),
        ("waba/node:v1.0.0", False),
        ("registry.example:5000/web/node:v1", False),
    ],
)
def test_the_vendors_images_are_recognized_in_any_registry(image: str, expected: bool) -> None:
    assert is_vendor_image(image) == expected


@pytest.mark.parametrize("value", ["a$b", " padded", "'quoted'", "#comment", "a #comment", "two\nlines"])
def test_a_secret_that_an_environment_file_cannot_contain_is_refused(value: str) -> None:
    (problem,) = secret_problems({"waba_database_root_password": value}, OWN)
    assert problem.variable == "waba_database_root_password"


def test_the_admin_password_is_in_no_environment_file_and_may_contain_any_character_but_newlines() -> None:
    assert secret_problems({"waba_admin_password": "'$ Abc-123 #'"}, OWN) == []
    assert len(secret_problems({"waba_admin_password": "Abc-1234\n"}, OWN)) == 1


def test_rules_of_a_secret_are_those_of_its_next_value() -> None:
    values = {"waba_next_admin_password": "weak", "waba_next_api_key": "short", "waba_next_database_password": "a{b"}
    assert [problem.variable for problem in secret_problems(values, VENDORS)] == [
        "waba_next_database_password",
        "waba_next_admin_password",
        "waba_next_api_key",
    ]


def test_empty_variable_of_a_rotation_is_refused_without_an_offer_to_generate_it() -> None:
    (problem,) = secret_problems({"waba_previous_api_key": ""}, OWN)
    assert (problem.variable, problem.problem) == ("waba_previous_api_key", "it is empty")
    assert "generated" not in problem.fix
