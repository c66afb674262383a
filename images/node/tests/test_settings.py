from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from waba_node.settings import ApplicationSettings, changed, read

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
def test_a_change_sets_the_named_fields_only(first: dict, second: dict) -> None:
    before, after = changed({}, first), changed(changed({}, first), second)
    old, new, named = (
        leaves(msgspec.to_builtins(read(before))),
        leaves(msgspec.to_builtins(read(after))),
        leaves(second),
    )
    assert new == {**old, **named}


@given(patches)
def test_settings_of_a_later_version_are_retained_and_ignored(patch: dict) -> None:
    later = {"new_setting": {"deep": 1}, "webhooks": {"new_switch": True}, "sent_status": False}
    stored = changed(later, patch)
    assert stored["new_setting"] == {"deep": 1}
    assert stored["webhooks"]["new_switch"] is True
    assert isinstance(read(stored), ApplicationSettings)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="new_setting"):
        changed({}, {"new_setting": 1})
