# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import redaction
from hypothesis import given
from hypothesis import strategies as st


def test_secrets_are_recognized_by_name_or_length() -> None:
    environment = {
        "WA_DB_HOSTNAME": "database.example",
        "WA_DB_PASSWORD": "a",
        "EXTRA": "1",
        "PROXY": "http://u:p@proxy",
    }
    assert redaction.secret_values(environment) == {"a", "http://u:p@proxy"}


def test_each_secret_of_a_list_is_recognized() -> None:
    environment = {"WABA_CLOUD_APP_SECRETS": "first-secret,other-secret", "WABA_CLOUD_PIN": "123456"}
    assert redaction.secret_values(environment) == {
        "first-secret,other-secret",
        "first-secret",
        "other-secret",
        "123456",
    }


@given(st.sets(st.text("ab", min_size=1, max_size=6), max_size=5), st.text("abc", max_size=40))
def test_redacted_text_contains_no_secret(secrets: set[str], text: str) -> None:
    result = redaction.redacted(text, secrets)
    assert not any(secret in result for secret in secrets)
