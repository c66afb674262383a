from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from waba_node.settings import (
    HISTORIC,
    ApplicationSettings,
    apply_change,
    historic_settings,
    read_change,
    read_settings,
)

patches = st.fixed_dictionaries(
    {},
    optional={
        "sent_status": st.booleans(),
        "callback_backoff_delay_ms": st.integers(1, 86_400_000),
        "webhooks": st.fixed_dictionaries(
            {},
            optional={
                "max_concurrent_requests": st.sampled_from([6, 12, 18, 24]),
                "url": st.sampled_from(["", "https://a.example/", "https://[::1]:8443/x"]),
                "message": st.fixed_dictionaries({}, optional={"read": st.booleans(), "sent": st.booleans()}),
            },
        ),
    },
)


def leaves(content: dict, path: tuple[str, ...] = ()) -> dict:
    found = {}
    for name, value in content.items():
        found |= leaves(value, (*path, name)) if isinstance(value, dict) else {(*path, name): value}
    return found


@given(patches, patches)
def test_change_is_partial_on_every_level(first: dict, second: dict) -> None:
    before = apply_change({}, first)
    after = apply_change(before, second)
    old, new = (leaves(msgspec.to_builtins(read_settings(stored))) for stored in (before, after))
    assert new == {**old, **leaves(second)}


@given(patches)
def test_settings_of_a_later_version_survive_a_change(patch: dict) -> None:
    later = {"new_setting": {"deep": 1}, "webhooks": {"new_switch": True}, "sent_status": False}
    stored = apply_change(later, patch)
    assert stored["new_setting"] == {"deep": 1}
    assert stored["webhooks"]["new_switch"] is True
    assert isinstance(read_settings(stored), ApplicationSettings)


def test_unknown_setting_cannot_be_stored() -> None:
    with pytest.raises(msgspec.ValidationError, match="new_setting"):
        apply_change({}, {"new_setting": 1})


json_values = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
unknown = st.dictionaries(st.text(min_size=1, max_size=20).map("x_{}".format), json_values, max_size=5)
historic = st.dictionaries(st.sampled_from(HISTORIC), json_values)


@given(patches, historic, unknown)
def test_known_and_historic_settings_are_accepted_and_unknown_ones_reported(
    known: dict, old: dict, other: dict
) -> None:
    change = read_change({**known, **old, **other})
    assert change.values == {**known, **old}
    assert change.warnings == [f"{name} is not a setting and was ignored" for name in other]
    stored = apply_change({}, change.values)
    assert historic_settings(stored) == old
    assert read_settings(stored) == read_settings(apply_change({}, known))


def test_unknown_nested_setting_is_reported_with_its_dotted_name() -> None:
    change = read_change({"webhooks": {"uri": "x", "url": "https://a.example/"}, "media": {"providers": []}})
    assert change.values == {"webhooks": {"url": "https://a.example/"}, "media": {}}
    assert change.warnings == [
        "webhooks.uri is not a setting and was ignored",
        "media.providers is not a setting and was ignored",
    ]


def test_read_only_settings_are_ignored_with_a_warning() -> None:
    change = read_change({"wa_id": "49151", "pass_through": True, "sent_status": False})
    assert change.values == {"sent_status": False}
    assert len(change.warnings) == 2
    assert read_change({"pass_through": False}) == ({"pass_through": False}, [])


def test_too_large_historic_value_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="messaging_api_rate_limit"):
        read_change({"messaging_api_rate_limit": "x" * 1001})
