# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.secrets.generation import generate
from ansible_collections.waba.cluster.plugins.module_utils.secrets.validation import given_problems, is_vendors
from hypothesis import given
from hypothesis import strategies as st

OURS, VENDORS = ["waba/node:v1.0.0"], ["docker.whatsapp.biz/coreapp:v2.57.2"]


@pytest.mark.parametrize("character", "?{}&~!()^=")
def test_the_vendors_client_gets_no_password_that_it_cannot_take(character):
    secret = {"waba_database_password": f"abc{character}def"}
    (problem,) = given_problems(secret, VENDORS)
    assert problem.problem == f"the vendor's client cannot take {character} in it"
    assert given_problems(secret, OURS) == []


@given(st.text(), st.sampled_from([OURS, VENDORS]))
def test_no_problem_shows_a_secret(secret, images):
    for name in ("waba_database_password", "waba_admin_password", "waba_api_key"):
        for problem in given_problems({name: f"<{secret}>"}, images):
            assert f"<{secret}>" not in str(problem)


@given(st.sampled_from([12, 24, 64]))
def test_what_is_generated_is_good_for_every_image(length):
    made = {
        "waba_database_password": generate("alphanumeric", length),
        "waba_admin_password": generate("admin_password", length),
        "waba_api_key": generate("alphanumeric", length),
    }
    assert given_problems(made, VENDORS) == []


@pytest.mark.parametrize("value", [1, True, None, [], {}, "", "two\nlines"])
def test_what_is_no_text_of_one_line_is_no_secret(value):
    assert [problem.variable for problem in given_problems({"waba_jwt_key": value}, OURS)] == ["waba_jwt_key"]


@pytest.mark.parametrize(
    ("image", "theirs"),
    [
        ("docker.whatsapp.biz/web:v2.57.2", True),
        ("registry.example:5000/mirror/coreapp@sha256:0123", True),
        ("coreapp", True),
        ("waba/node:v1.0.0", False),
        ("registry.example:5000/web/node:v1", False),
    ],
)
def test_the_vendors_images_are_known_by_how_they_end(image, theirs):
    assert is_vendors(image) == theirs
