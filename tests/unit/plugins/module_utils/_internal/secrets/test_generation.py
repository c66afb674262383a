# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import string

import yaml
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.generation import (
    SPECIALS,
    appended,
    generate,
)
from hypothesis import given
from hypothesis import strategies as st

REFUSED_BY_VENDOR = set("?{}&~!()^=")


@given(st.integers(8, 64))
def test_an_admin_password_satisfies_the_rules_of_the_api(length: int) -> None:
    password = generate("admin_password", length)
    assert len(password) == length
    for kind in (string.ascii_uppercase, string.ascii_lowercase, string.digits, SPECIALS):
        assert set(kind) & set(password)
    assert password[0] in string.ascii_letters
    assert not REFUSED_BY_VENDOR & set(password)


@given(st.integers(1, 64))
def test_an_alphanumeric_secret_has_only_letters_and_digits(length: int) -> None:
    secret = generate("alphanumeric", length)
    assert len(secret) == length
    assert secret.isascii()
    assert secret.isalnum()


def test_two_secrets_differ() -> None:
    assert generate("alphanumeric", 32) != generate("alphanumeric", 32)


@given(st.dictionaries(st.from_regex(r"waba_[a-z_]+", fullmatch=True), st.integers(8, 20), min_size=1, max_size=4))
def test_appended_secrets_are_read_back(lengths: dict[str, int]) -> None:
    new = {name: generate("admin_password", length) for name, length in lengths.items()}
    assert yaml.safe_load(appended("", new)) == new


def test_existing_text_remains_unchanged() -> None:
    before = "# mine\nzebra: 1  # a comment\nant: 2"
    after = appended(before, {"bee": "Xy-12345"})
    assert after.startswith(before)
    assert yaml.safe_load(after) == {"zebra": 1, "ant": 2, "bee": "Xy-12345"}
