from __future__ import annotations

import pytest
from api_support import Client, error_of

BUSINESS, COMPLIANCE = "/v1/settings/business/profile", "/v1/settings/business/compliance_info"
ABOUT, PHOTO = "/v1/settings/profile/about", "/v1/settings/profile/photo"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
JPEG = b"\xff\xd8\xff" + bytes(100)


def test_business_profile_change_is_partial(admin: Client) -> None:
    def profile() -> dict:
        return admin.call("GET", BUSINESS).json()["settings"]["business"]["profile"]

    before, first = profile(), {"address": "1 Main Street", "websites": ["https://shop.example/"]}
    assert admin.call("POST", BUSINESS, first).status_code == 200
    assert admin.call("POST", BUSINESS, {"email": "shop@shop.example"}).status_code == 200
    assert profile() == {**before, **first, "email": "shop@shop.example"}


def test_unknown_field_is_ignored_with_a_warning(admin: Client) -> None:
    answer = admin.call("POST", BUSINESS, {"colour": "x", "vertical": "Retail"})
    assert answer.status_code == 200
    assert answer.json()["meta"]["warnings"] == ["colour is not a field and was ignored"]
    assert admin.call("GET", BUSINESS).json()["settings"]["business"]["profile"]["vertical"] == "Retail"


def test_compliance_info_is_replaced_completely(admin: Client) -> None:
    first = {
        "entity_name": "Shop",
        "entity_type": "PARTNERSHIP",
        "customer_care_details": {"email": "care@shop.example"},
    }
    second = {"entity_name": "Shop Ltd", "entity_type": "PRIVATE_LIMITED_COMPANY", "is_registered": True}
    for body in (first, second):
        assert admin.call("POST", COMPLIANCE, body).status_code == 200
        assert admin.call("GET", COMPLIANCE).json()["settings"]["business"]["compliance_info"] == body


def test_about_text_is_stored(admin: Client) -> None:
    assert admin.call("PATCH", ABOUT, {"text": "Öffnet um 8 🛒"}).status_code == 200
    assert admin.call("GET", ABOUT).json()["settings"]["profile"]["about"] == {"text": "Öffnet um 8 🛒"}


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", BUSINESS, {"websites": ["a", "b", "c"]}, 1001),
        ("POST", BUSINESS, {"address": "x" * 257}, 1001),
        ("POST", COMPLIANCE, {"entity_name": "Shop"}, 1008),
        ("POST", COMPLIANCE, {"entity_name": "", "entity_type": "OTHER"}, 1009),
        ("PATCH", ABOUT, {"text": "x" * 140}, 1001),
        ("PATCH", ABOUT, {}, 1008),
    ],
)
def test_invalid_profile_is_refused(admin: Client, method: str, path: str, body: dict, code: int) -> None:
    assert error_of(admin.call(method, path, body)) == (400, code)


@pytest.mark.parametrize(("kind", "photo"), [("image/png", PNG), ("image/jpeg", JPEG)])
def test_photo_is_returned_unchanged(admin: Client, second_webapp: Client, kind: str, photo: bytes) -> None:
    assert admin.call("POST", PHOTO, data=photo, headers={"Content-Type": kind}).status_code == 200
    there = second_webapp.as_caller(admin.session.headers["Authorization"])
    answer = there.call("GET", PHOTO)
    assert (answer.content, answer.headers["Content-Type"]) == (photo, kind)
    link = there.call("GET", f"{PHOTO}?format=link").json()["settings"]["profile"]["photo"]["link"]
    assert there.call("GET", link).content == photo
    assert admin.call("DELETE", PHOTO).status_code == 200
    assert error_of(admin.call("GET", PHOTO)) == (404, 1006)


@pytest.mark.parametrize(
    ("kind", "photo", "refusal"),
    [
        ("image/gif", b"GIF89a", (415, 1009)),
        ("application/json", b"{}", (415, 1009)),
        ("image/png", JPEG, (400, 1009)),
        ("image/png", b"", (400, 1009)),
        ("image/png", PNG + bytes(512 << 10), (413, 1001)),
        ("image/png", PNG + bytes(1 << 20), (413, 1025)),
    ],
)
def test_invalid_photo_is_refused(admin: Client, kind: str, photo: bytes, refusal: tuple[int, int]) -> None:
    assert error_of(admin.call("POST", PHOTO, data=photo, headers={"Content-Type": kind})) == refusal
