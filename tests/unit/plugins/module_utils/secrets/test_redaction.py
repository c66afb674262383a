# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.secrets import redaction as secrecy
from hypothesis import given
from hypothesis import strategies as st


def test_a_secret_is_hidden_and_an_ordinary_word_is_not():
    environment = {
        "WA_DB_HOSTNAME": "database.example",
        "WA_DB_PASSWORD": "a",
        "EXTRA": "1",
        "PROXY": "http://u:p@proxy",
    }
    assert secrecy.secret_values(environment) == {"a", "http://u:p@proxy"}


@given(st.sets(st.text("ab", min_size=1, max_size=6), max_size=5), st.text("abc", max_size=40))
def test_no_secret_survives_redaction(secrets, text):
    shown = secrecy.redacted(text, secrets)
    assert not any(secret in shown for secret in secrets)
