"""Contacts with real processes: notations of numbers, blocking modes, the cache, identities."""

from __future__ import annotations

import pytest
from api_support import Client, error_of, wait_until
from hypothesis import given
from hypothesis import strategies as st
from waba_node.webapp.calls.contacts import digits_of

PATH = "/v1/contacts"


def check(client: Client, *numbers: str, **options: object) -> list[dict]:
    answer = client.call("POST", PATH, {"contacts": list(numbers), **options})
    assert answer.status_code == 200, answer.text
    return answer.json()["contacts"]


def valid(given: str, wa_id: str) -> dict:
    return {"input": given, "status": "valid", "wa_id": wa_id}


def test_blocking_check_reports_every_number_in_order(admin: Client) -> None:
    numbers = ["16315551000", "+1 631 555 1001", "+1 (631) 555-1004", "1-631-555-1005", "16315551000", "nobody"]
    assert check(admin, *numbers, blocking="wait") == [
        valid("16315551000", "16315551000"),
        valid("+1 631 555 1001", "16315551001"),
        valid("+1 (631) 555-1004", "16315551004"),
        valid("1-631-555-1005", "16315551005"),
        valid("16315551000", "16315551000"),
        {"input": "nobody", "status": "invalid"},
    ]


def test_result_of_a_nonblocking_check_is_available_on_every_webapp(admin: Client, second_webapp: Client) -> None:
    number = "+49 30 12345678"
    assert check(admin, number) == [{"input": number, "status": "processing"}]
    there = second_webapp.as_caller(admin.session.headers["Authorization"])
    wait_until(lambda: check(there, number) == [valid(number, "493012345678")])
    assert check(admin, number, force_check=True) == [{"input": number, "status": "processing"}]


def test_a_thousand_numbers_are_checked_at_once(admin: Client) -> None:
    numbers = [f"+4930{number:07}" for number in range(1000)]
    assert {entry["status"] for entry in check(admin, *numbers, blocking="wait")} == {"valid"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 1008),
        ({"contacts": []}, 1009),
        ({"contacts": ["+4930123456"] * 1001}, 1001),
        ({"contacts": "+4930123456"}, 1009),
        ({"contacts": [["4930123456"]]}, 1009),
        ({"contacts": ["1" * 65]}, 1001),
        ({"contacts": ["+4930123456"], "blocking": "maybe"}, 1009),
        ({"contacts": ["+4930123456"], "force_check": 2}, 1009),
    ],
)
def test_invalid_check_is_refused(admin: Client, body: dict, code: int) -> None:
    assert error_of(admin.call("POST", PATH, body)) == (400, code)


def test_identity_is_read_and_acknowledged(admin: Client) -> None:
    path = f"{PATH}/493012345678/identity"
    assert error_of(admin.call("PUT", path, {"hash": "x"})) == (404, 1006)
    identity = admin.call("GET", path).json()["contacts"]
    assert identity["acknowledged"]
    assert error_of(admin.call("PUT", path, {"hash": "x"})) == (400, 1009)
    assert admin.call("PUT", path, {"hash": identity["hash"]}).status_code == 200


@pytest.mark.parametrize("wa_id", ["+493012345678", "x", "1", "0049301234567", "1" * 16, "%F0%9F%98%80"])
def test_identity_requires_a_whatsapp_id(admin: Client, wa_id: str) -> None:
    assert error_of(admin.call("GET", f"{PATH}/{wa_id}/identity")) == (400, 1009)
    assert error_of(admin.call("PUT", f"{PATH}/{wa_id}/identity", {"hash": "x"})) == (400, 1009)


@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        "+",
        "00",
        "1234",
        "+1234",
        "0301234567",
        "+0301234567",
        "1" * 16,
        "12345x",
        "١٢٣٤٥٦٧",
        "++4930123456",
        "49 30\n+5",
    ],
)
def test_text_that_is_not_a_number_has_no_digits(given: str) -> None:
    assert digits_of(given) is None


separators = st.sampled_from(["", " ", "-", ".", "/", " (", ") "])


@given(st.from_regex(r"[1-9][0-9]{4,14}", fullmatch=True), st.sampled_from(["", "+", "00"]), st.data())
def test_digits_do_not_depend_on_the_notation_of_a_number(digits: str, prefix: str, data: st.DataObject) -> None:
    written = prefix + digits[0] + "".join(data.draw(separators) + digit for digit in digits[1:])
    assert digits_of(written) == digits
