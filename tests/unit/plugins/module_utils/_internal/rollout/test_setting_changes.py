# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.rollout.setting_changes import (
    difference,
    merged,
    patched_part,
)
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.booleans() | st.integers() | st.text(max_size=5)
SETTINGS = st.recursive(
    st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), VALUES | inner, max_size=3),
    max_leaves=8,
)


@given(SETTINGS, SETTINGS)
def test_the_patch_completes_the_settings(wanted: dict[str, Any], found: dict[str, Any]) -> None:
    after = merged(found, difference(wanted, found))
    assert difference(wanted, after) == {}


@given(SETTINGS)
def test_equal_settings_need_no_patch(settings: dict[str, Any]) -> None:
    assert difference(settings, settings) == {}


def test_only_differing_values_are_sent() -> None:
    wanted = {"webhooks": {"url": "https://example.org", "max_concurrent_requests": 6}}
    found = {"webhooks": {"url": "", "max_concurrent_requests": 6}, "sent_status": True}
    patch = difference(wanted, found)
    assert patch == {"webhooks": {"url": "https://example.org"}}
    assert patched_part(patch, found) == {"webhooks": {"url": ""}}


def test_numbers_may_be_text_and_flags_are_not_numbers() -> None:
    assert difference({"callback_backoff_delay_ms": 3000}, {"callback_backoff_delay_ms": "3000"}) == {}
    assert difference({"sent_status": True}, {"sent_status": 1}) == {"sent_status": True}


def test_values_of_secrets_are_redacted() -> None:
    settings = {"access_token": "one-secret", "webhooks": {"password": "another", "url": "https://example.org"}}
    assert patched_part(settings, settings) == {
        "access_token": "********",
        "webhooks": {"password": "********", "url": "https://example.org"},
    }
    assert patched_part(settings, {}) == {"access_token": None, "webhooks": {"password": None, "url": None}}
