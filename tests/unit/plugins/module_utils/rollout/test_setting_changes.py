# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.rollout.setting_changes import difference, merged, shown
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.booleans() | st.integers() | st.text(max_size=5)
SETTINGS = st.recursive(
    st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), VALUES | inner, max_size=3),
    max_leaves=8,
)


@given(SETTINGS, SETTINGS)
def test_the_patch_is_all_that_is_missing(wanted, found):
    after = merged(found, difference(wanted, found))
    assert difference(wanted, after) == {}


@given(SETTINGS)
def test_what_is_so_already_needs_no_patch(settings):
    assert difference(settings, settings) == {}


def test_only_the_differing_leaf_is_sent():
    wanted = {"webhooks": {"url": "https://example.org", "max_concurrent_requests": 6}}
    found = {"webhooks": {"url": "", "max_concurrent_requests": 6}, "sent_status": True}
    patch = difference(wanted, found)
    assert patch == {"webhooks": {"url": "https://example.org"}}
    assert shown(patch, found) == {"webhooks": {"url": ""}}


def test_numbers_given_as_text_are_the_same_and_flags_are_not_numbers():
    assert difference({"callback_backoff_delay_ms": 3000}, {"callback_backoff_delay_ms": "3000"}) == {}
    assert difference({"sent_status": True}, {"sent_status": 1}) == {"sent_status": True}


def test_a_secrets_value_is_never_shown():
    settings = {"access_token": "one-secret", "webhooks": {"password": "another", "url": "https://example.org"}}
    assert shown(settings, settings) == {
        "access_token": "********",
        "webhooks": {"password": "********", "url": "https://example.org"},
    }
    assert shown(settings, {}) == {"access_token": None, "webhooks": {"password": None, "url": None}}
