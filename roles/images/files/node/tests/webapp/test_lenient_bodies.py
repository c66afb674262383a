"""Rules for every JSON body: numbers and booleans may be sent as text and text as a number, null counts as absent, unknown fields are ignored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_origin

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from message_support import CONTENTS, message
from waba_node.lenient_json import fit, ignored
from waba_node.settings import ApplicationSettings
from waba_node.webapp.body import convert, parse_json
from waba_node.webapp.calls import CALLS
from waba_node.webapp.calls.table import Call, JsonBody
from waba_node.webapp.errors import ApiError

NUMBER = {"cc": "49", "phone_number": "15112345678"}
CONTACT = {"name": "Ann", "email": "ann@example.com", "landline_number": "1", "mobile_number": "2"}
MESSAGES = [
    message(*content, preview_url=True, ttl=60, context={"message_id": "x"}, biz_opaque_callback_data="y")
    for content in CONTENTS
]
EXAMPLES: dict[tuple[str, str], list[Any]] = {
    ("POST", "/v1/users/login"): [{"new_password": "N3w-password"}],
    ("POST", "/v1/users"): [{"username": "clerk", "password": "N3w-password", "ROLES": "ROLE_USER"}],
    ("PUT", "/v1/users/{name}"): [{"password": "N3w-password", "ROLES": "ROLE_USER"}],
    ("PATCH", "/v1/settings/application"): [msgspec.to_builtins(ApplicationSettings())],
    ("POST", "/v1/settings/application/media/providers"): [
        [{"name": "store", "type": "www", "config": {"bearer": "x"}}],
        [{"name": "store", "type": "www", "config": {"basic": {"username": "x", "password": "y"}}}],
    ],
    ("POST", "/v1/settings/account/two-step"): [{"pin": "123456"}],
    ("POST", "/v1/settings/backup"): [{"password": "password"}],
    ("POST", "/v1/settings/restore"): [{"password": "password", "data": "x"}],
    ("POST", "/v1/settings/business/profile"): [
        {"address": "a", "description": "d", "email": "e", "vertical": "v", "websites": ["w"]}
    ],
    ("POST", "/v1/settings/business/compliance_info"): [
        {
            "entity_name": "Shop",
            "entity_type": "OTHER",
            "entity_type_custom": "x",
            "is_registered": True,
            "grievance_officer_details": CONTACT,
            "customer_care_details": CONTACT,
        }
    ],
    ("PATCH", "/v1/settings/profile/about"): [{"text": "Open"}],
    ("POST", "/v1/account"): [{**NUMBER, "method": "sms", "cert": "x", "pin": "123456"}],
    ("POST", "/v1/account/verify"): [{"code": "123456"}],
    ("POST", "/v1/account/shards"): [{**NUMBER, "shards": 2, "pin": "123456", "cert": "x"}],
    ("POST", "/v1/messages"): MESSAGES,
    ("PUT", "/v1/messages/{id}"): [{"status": "read"}],
    ("POST", "/v1/contacts"): [{"contacts": ["+4930123456"], "blocking": "wait", "force_check": True}],
    ("PUT", "/v1/contacts/{wa_id}/identity"): [{"hash": "x"}],
}
CASES = [(call, example) for call in CALLS for example in EXAMPLES.get((call.method, call.path), [])]
every_body = pytest.mark.parametrize(
    ("call", "example"), CASES, ids=[f"{call.method} {call.path}" for call, _example in CASES]
)


def read(call: Call, content: Any) -> Any:
    """Return a body as the call gets it."""
    assert isinstance(call.body, JsonBody)
    kind = list if get_origin(call.body.content) is list else dict
    return convert(fit(parse_json(json.dumps(content).encode(), kind), call.body.content).content, call.body.content)


def leaves(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(content, (dict, list)):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from leaves(value, (*path, key))
    else:
        yield path, content


def with_value(content: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = json.loads(json.dumps(content))  # unlike a deep copy, no part is shared
    target = changed
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return changed


def as_text(value: Any) -> str:
    return json.dumps(value)


def fields(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every field of every object."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield (*path, key)
            yield from fields(value, (*path, key))
    elif isinstance(content, list):
        for index, value in enumerate(content[:2]):
            yield from fields(value, (*path, index))


def objects(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every object that is not passed on as a whole."""
    if isinstance(content, dict):
        yield path
        for key, value in content.items():
            yield from objects(value, (*path, key))
    elif isinstance(content, list):
        for index, value in enumerate(content[:2]):
            yield from objects(value, (*path, index))


def result(call: Call, content: Any) -> Any:
    """Return the body as the call gets it, or the code of its refusal."""
    try:
        return read(call, content)
    except ApiError as error:
        return error.code


def test_there_is_an_example_of_every_json_body() -> None:
    assert set(EXAMPLES) == {(call.method, call.path) for call in CALLS if isinstance(call.body, JsonBody)}


@every_body
def test_numbers_and_booleans_may_be_sent_as_text(call: Call, example: Any) -> None:
    expected = read(call, example)
    for path, value in leaves(example):
        if isinstance(value, (bool, int, float)) and "index" not in path:  # `index` is passed on as sent
            assert read(call, with_value(example, path, as_text(value))) == expected, path


@every_body
@pytest.mark.parametrize("number", [12345, 1.5, 0])
def test_text_may_be_sent_as_a_number(call: Call, example: Any, number: float) -> None:
    for path, value in leaves(example):
        if isinstance(value, str) and "index" not in path:
            expected = result(call, with_value(example, path, as_text(number)))
            assert result(call, with_value(example, path, number)) == expected, path


@every_body
def test_unknown_fields_are_ignored_and_named_on_every_level(call: Call, example: Any) -> None:
    expected = read(call, example)
    assert isinstance(call.body, JsonBody)
    for path in objects(example):
        extended = with_value(example, (*path, "no_such_field"), {"nested": [1]})
        assert read(call, extended) == expected, path
        (unknown,) = fit(extended, call.body.content).unknown
        assert unknown.endswith("no_such_field")
        assert unknown.split(".")[:-1] == dotted(path)


def dotted(path: tuple[Any, ...]) -> list[str]:
    """Return the parts of a path's dotted name."""
    name = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return [part for part in name.split(".") if part]


def test_warnings_about_unknown_fields_are_bounded() -> None:
    warnings = ignored([f"{number}" * 1000 for number in range(1000)])
    assert len(json.dumps(warnings)) < 4000


@pytest.mark.parametrize("raw", [b"", b" \n", b"null", b"{}"])
def test_optional_body_may_be_absent_in_any_notation(raw: bytes) -> None:
    assert parse_json(raw, dict, optional=True) == {}


@every_body
def test_null_counts_as_absent_in_every_field(call: Call, example: Any) -> None:
    for path in fields(example):
        absent = json.loads(json.dumps(example))
        target = absent
        for key in path[:-1]:
            target = target[key]
        del target[path[-1]]
        assert result(call, with_value(example, path, None)) == result(call, absent), path


def test_byte_order_mark_is_skipped() -> None:
    assert parse_json(b'\xef\xbb\xbf{"to": "1"}', dict) == {"to": "1"}


@pytest.mark.parametrize(("sent", "value"), [("true", True), ("True", True), ("FALSE", False), (1, True), ("0", False)])
def test_notations_of_a_boolean(sent: object, value: bool) -> None:
    (call,) = [call for call in CALLS if (call.method, call.path) == ("POST", "/v1/contacts")]
    assert read(call, {"contacts": ["+4930123456"], "force_check": sent}).force_check is value


@pytest.mark.parametrize("sent", ["", " 52", "5_2", "52,0", "0x34", "nan", "inf", "fifty", "٥٢", True, [52]])
def test_text_that_is_not_a_number_is_refused(sent: object) -> None:
    (call,) = [call for call in CALLS if (call.method, call.path) == ("POST", "/v1/messages")]
    assert result(call, message("location", {"latitude": sent, "longitude": 0})) == 1009


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_any_coordinate_as_text_is_the_same_coordinate(latitude: float, longitude: float) -> None:
    (call,) = [call for call in CALLS if (call.method, call.path) == ("POST", "/v1/messages")]
    location = {"latitude": latitude, "longitude": longitude}
    sent = {name: as_text(value) for name, value in location.items()}
    assert read(call, message("location", sent)) == read(call, message("location", location))
