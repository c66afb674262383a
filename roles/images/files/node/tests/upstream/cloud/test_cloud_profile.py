"""The profile, the compliance information and the registration in both APIs. The expected values are written by hand."""

from __future__ import annotations

import pytest
from waba_node.upstream.cloud.translation import profile
from waba_node.upstream.cloud.translation.errors import Untranslatable

VERTICALS = [
    ("Automotive", "AUTO"),
    ("Beauty, Spa and Salon", "BEAUTY"),
    ("Clothing and Apparel", "APPAREL"),
    ("Education", "EDU"),
    ("Entertainment", "ENTERTAIN"),
    ("Event Planning and Service", "EVENT_PLAN"),
    ("Finance and Banking", "FINANCE"),
    ("Food and Grocery", "GROCERY"),
    ("Public Service", "GOVT"),
    ("Hotel and Lodging", "HOTEL"),
    ("Medical and Health", "HEALTH"),
    ("Non-profit", "NONPROFIT"),
    ("Professional Services", "PROF_SERVICES"),
    ("Shopping and Retail", "RETAIL"),
    ("Travel and Transportation", "TRAVEL"),
    ("Restaurant", "RESTAURANT"),
    ("Other", "OTHER"),
]


@pytest.mark.parametrize(("onprem", "cloud"), VERTICALS)
def test_line_of_business(onprem: str, cloud: str) -> None:
    assert profile.cloud_vertical(onprem) == profile.cloud_vertical(onprem.upper()) == cloud
    assert profile.cloud_vertical(cloud.lower()) == cloud
    assert profile.onprem_vertical(cloud) == onprem


def test_every_line_of_business_has_a_test() -> None:
    assert dict(VERTICALS) == profile.VERTICALS


@pytest.mark.parametrize(
    ("onprem", "cloud"),
    [("", ""), ("  ", ""), ("Beekeeping", "OTHER"), ("otc_drugs", "OTC_DRUGS"), ("ALCOHOL", "ALCOHOL")],
)
def test_a_text_without_a_row(onprem: str, cloud: str) -> None:
    assert profile.cloud_vertical(onprem) == cloud


@pytest.mark.parametrize(
    ("cloud", "onprem"), [("", ""), ("UNDEFINED", ""), ("NOT_A_BIZ", ""), ("ALCOHOL", "ALCOHOL"), ("NEW", "NEW")]
)
def test_a_line_of_business_without_a_row(cloud: str, onprem: str) -> None:
    assert profile.onprem_vertical(cloud) == onprem


def test_profile_body() -> None:
    changes = {
        "address": "1 Road",
        "description": "",
        "email": "shop@example.com",
        "vertical": "Restaurant",
        "websites": ["https://example.com"],
        "unknown": 1,
    }
    assert profile.profile_body(changes) == {
        "messaging_product": "whatsapp",
        "address": "1 Road",
        "description": "",
        "email": "shop@example.com",
        "vertical": "RESTAURANT",
        "websites": ["https://example.com"],
    }
    assert profile.profile_body({}) == {"messaging_product": "whatsapp"}


DATA = {
    "messaging_product": "whatsapp",
    "about": "Open",
    "address": "1 Road",
    "description": "A shop",
    "email": "shop@example.com",
    "profile_picture_url": "https://pps.whatsapp.net/x",
    "websites": ["https://example.com/"],
    "vertical": "RESTAURANT",
}


def test_profile_of_an_answer() -> None:
    assert profile.profile_of(DATA) == {
        "address": "1 Road",
        "description": "A shop",
        "email": "shop@example.com",
        "websites": ["https://example.com/"],
        "vertical": "Restaurant",
    }
    assert profile.about_of(DATA) == "Open"
    assert profile.photo_of(DATA) == "https://pps.whatsapp.net/x"


def test_an_empty_profile() -> None:
    assert profile.profile_of({"messaging_product": "whatsapp"}) == {}
    assert profile.about_of({}) == profile.photo_of({}) == ""


def test_about_and_photo_bodies() -> None:
    assert profile.about_body("Open") == {"messaging_product": "whatsapp", "about": "Open"}
    assert profile.photo_body("4::x") == {"messaging_product": "whatsapp", "profile_picture_handle": "4::x"}


PERSON = {"name": "C", "email": "c@example.com", "mobile_number": "+913854559033", "landline_number": "+913857614343"}
CARE = {"email": "c@example.com", "mobile_number": "+913854559033", "landline_number": "+913857614343"}


def test_compliance_body() -> None:
    information = {
        "entity_name": "Shop",
        "entity_type": "Partnership",
        "is_registered": False,
        "grievance_officer_details": PERSON,
        "customer_care_details": PERSON,
        "unknown": 1,
    }
    assert profile.compliance_body(information) == {
        "messaging_product": "whatsapp",
        "entity_name": "Shop",
        "entity_type": "PARTNERSHIP",
        "is_registered": False,
        "grievance_officer_details": PERSON,
        "customer_care_details": CARE,
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"entity_type": "Limited liability partnership"}, {"entity_type": "LIMITED_LIABILITY_PARTNERSHIP"}),
        ({"entity_type": "SOLE_PROPRIETORSHIP", "is_registered": True}, {"entity_type": "SOLE_PROPRIETORSHIP"}),
        ({"entity_type": "Public company", "entity_type_custom": "x"}, {"entity_type": "PUBLIC_COMPANY"}),
        ({"entity_type": "private-company"}, {"entity_type": "PRIVATE_COMPANY"}),
        ({"entity_type": "Trust"}, {"entity_type": "OTHER", "entity_type_custom": "Trust"}),
        (
            {"entity_type": "Trust", "entity_type_custom": "Public trust", "is_registered": True},
            {"entity_type": "OTHER", "entity_type_custom": "Public trust", "is_registered": True},
        ),
        (
            {"entity_type": "Other", "entity_type_custom": "Trust"},
            {"entity_type": "OTHER", "entity_type_custom": "Trust"},
        ),
    ],
)
def test_entity_type(given: dict, expected: dict) -> None:
    assert profile.compliance_body({"entity_name": "Shop", **given}) == {
        "messaging_product": "whatsapp",
        "entity_name": "Shop",
        **expected,
    }


def test_compliance_of_an_answer() -> None:
    data = {
        "whatsapp_business_account_id": "1234567890123456",
        "messaging_product": "whatsapp",
        "entity_name": "Shop",
        "entity_type": "Partnership",
        "entity_type_custom": None,
        "is_registered": True,
        "grievance_officer_details": {**PERSON, "landline_number": None},
        "customer_care_details": CARE,
    }
    assert profile.compliance_of(data) == {
        "entity_name": "Shop",
        "entity_type": "Partnership",
        "is_registered": True,
        "grievance_officer_details": {"name": "C", "email": "c@example.com", "mobile_number": "+913854559033"},
        "customer_care_details": CARE,
    }
    assert profile.compliance_of({"entity_name": None, "customer_care_details": {}}) == {}


@pytest.mark.parametrize(("method", "expected"), [("sms", "SMS"), ("voice", "VOICE")])
def test_code_request(method: str, expected: str) -> None:
    assert profile.code_request_body(method) == {"code_method": expected, "language": "en_US"}


@pytest.mark.parametrize("code", ["123456", "123-456", " 123 456 "])
def test_verification(code: str) -> None:
    assert profile.verification_body(code) == {"code": "123456"}


def test_registration_and_two_step() -> None:
    assert profile.registration_body("012345") == {"messaging_product": "whatsapp", "pin": "012345"}
    assert profile.two_step_body("012345") == {"pin": "012345"}


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦"])
def test_a_malformed_pin_is_refused(pin: str) -> None:
    with pytest.raises(Untranslatable) as refused:
        profile.registration_body(pin)
    assert refused.value.errors[0]["code"] == 1009
