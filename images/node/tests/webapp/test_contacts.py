"""Contacts through real processes: forms of numbers, blocking modes, what is kept, identities."""

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


def test_who_waits_gets_every_number_in_order(admin: Client) -> None:
    numbers = ["16315551000", "+1 631 555 1001", "+1 (631) 555-1004", "1-631-555-1005", "16315551000", "nobody"]
    assert check(admin, *numbers, blocking="wait") == [
        valid("16315551000", "16315551000"),
        valid("+1 631 555 1001", "16315551001"),
        valid("+1 (631) 555-1004", "16315551004"),
        valid("1-631-555-1005", "16315551005"),
        valid("16315551000", "16315551000"),
        {"input": "nobody", "status": "invalid"},
    ]


def test_who_does_not_wait_asks_again_and_any_webapp_knows_then(admin: Client, second_webapp: Client) -> None:
    number = "+49 30 12345678"
    assert check(admin, number) == [{"input": number, "status": "processing"}]
    there = second_webapp.as_caller(admin.session.headers["Authorization"])
    wait_until(lambda: check(there, number) == [valid(number, "493012345678")])
    assert check(admin, number, force_check=True) == [{"input": number, "status": "processing"}]


def test_a_thousand_numbers_at_once(admin: Client) -> None:
    numbers = [f"+4930{number:07}" for number in range(1000)]
    assert {entry["status"] for entry in check(admin, *numbers, blocking="wait")} == {"valid"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 1008),
        ({"contacts": []}, 1009),
        ({"contacts": ["+4930123456"] * 1001}, 1001),
        ({"contacts": "+4930123456"}, 1009),
        ({"contacts": [4930123456]}, 1009),
        ({"contacts": ["1" * 65]}, 1001),
        ({"contacts": ["+4930123456"], "blocking": "maybe"}, 1009),
        ({"contacts": ["+4930123456"], "force_check": 1}, 1009),
    ],
)
def test_a_check_that_makes_no_sense_is_refused(admin: Client, body: dict, code: int) -> None:
    assert error_of(admin.call("POST", PATH, body)) == (400, code)


def test_an_identity_is_read_and_acknowledged(admin: Client) -> None:
    path = f"{PATH}/493012345678/identity"
    assert error_of(admin.call("PUT", path, {"hash": "x"})) == (404, 1006)
    identity = admin.call("GET", path).json()["contacts"]
    assert identity["acknowledged"]
    assert error_of(admin.call("PUT", path, {"hash": "x"})) == (400, 1009)
    assert admin.call("PUT", path, {"hash": identity["hash"]}).status_code == 200


@pytest.mark.parametrize("wa_id", ["+493012345678", "x", "1", "0049301234567", "1" * 16, "%F0%9F%98%80"])
def test_an_identity_belongs_to_a_whatsapp_id(admin: Client, wa_id: str) -> None:
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
def test_what_cannot_be_a_number(given: str) -> None:
    assert digits_of(given) is None


separators = st.sampled_from(["", " ", "-", ".", "/", " (", ") "])


@given(st.from_regex(r"[1-9][0-9]{4,14}", fullmatch=True), st.sampled_from(["", "+", "00"]), st.data())
def test_a_number_is_the_same_however_it_is_written(digits: str, prefix: str, data) -> None:
    written = prefix + digits[0] + "".join(data.draw(separators) + digit for digit in digits[1:])
    assert digits_of(written) == digits
