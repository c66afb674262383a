"""Media, registration, profile and settings of the stand-in."""

from __future__ import annotations

import hashlib

import pytest
from standin_support import APP, NUMBER, TOKEN, WABA, Client
from waba_node.rehearsal.inbound import picture

AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


async def download(cloud: Client, url: str, headers: dict[str, str]) -> tuple[int, bytes]:
    async with cloud.session.get(url, headers=headers, skip_auto_headers=["User-Agent"]) as response:
        return response.status, await response.read()


async def test_uploaded_file_is_described_and_downloaded(cloud: Client) -> None:
    _status, answer = await cloud.upload("a.png", "image/png", picture())
    _status, info = await cloud.call("GET", f"{answer['id']}?phone_number_id={NUMBER}")
    assert info["sha256"] == hashlib.sha256(picture()).hexdigest()
    assert (info["mime_type"], info["file_size"]) == ("image/png", len(picture()))
    assert await download(cloud, info["url"], {**AUTHORIZED, "User-Agent": "x"}) == (200, picture())
    assert (await download(cloud, info["url"], {"User-Agent": "x"}))[0] == 401
    assert await download(cloud, info["url"], AUTHORIZED) == (200, b"<!DOCTYPE html>")
    assert await cloud.code(type="image", image={"id": answer["id"]}) == 0
    assert (await cloud.call("GET", f"{answer['id']}?phone_number_id=1"))[0] == 400
    assert await cloud.call("DELETE", answer["id"]) == (200, {"success": True})
    assert (await cloud.call("GET", answer["id"]))[0] == 400


async def test_download_urls_and_files_expire(cloud: Client) -> None:
    await cloud.control("behaviour", {"url_life": 0})
    _status, answer = await cloud.upload("a.png", "image/png", picture())
    _status, info = await cloud.call("GET", answer["id"])
    assert (await download(cloud, info["url"], {**AUTHORIZED, "User-Agent": "x"}))[0] == 404
    await cloud.control("behaviour", {"media_life": 0})
    _status, answer = await cloud.upload("a.png", "image/png", picture())
    assert (await cloud.call("GET", answer["id"]))[1]["error"]["code"] == 100
    assert await cloud.code(type="image", image={"id": answer["id"]}) == 100


@pytest.mark.parametrize("content_type", ["audio/webm", "audio/opus", "application/x-tar", "image/gif"])
async def test_upload_of_another_type_is_refused_at_once(cloud: Client, content_type: str) -> None:
    status, answer = await cloud.upload("a.bin", content_type, b"x")
    assert (status, answer["error"]["code"]) == (400, 100)
    assert "must be a file with one of the following types" in answer["error"]["error_data"]["details"]


@pytest.mark.parametrize(
    ("name", "content_type", "size"), [("a.png", "image/png", (5 << 20) + 1), ("a.webp", "image/webp", 512_001)]
)
async def test_upload_beyond_its_limit_is_refused(cloud: Client, name: str, content_type: str, size: int) -> None:
    status, answer = await cloud.upload(name, content_type, bytes(size))
    assert (status, answer["error"]["code"]) == (400, 131053)


@pytest.mark.parametrize(("name", "fields"), [("a.jpg", {}), ("noextension", {}), ("a.png", {"type": "image/jpeg"})])
async def test_file_whose_name_and_type_differ_fails_later(cloud: Client, name: str, fields: dict[str, str]) -> None:
    status, answer = await cloud.upload(name, "image/png", picture(), **fields)
    assert status == 200
    assert await cloud.code(type="image", image={"id": answer["id"]}) == 0
    await cloud.receiver.wait(lambda: bool(cloud.receiver.statuses))
    assert cloud.receiver.values[0]["statuses"][0]["errors"][0]["code"] == 131053


async def test_upload_must_be_a_form(cloud: Client) -> None:
    status, answer = await cloud.call("POST", f"{NUMBER}/media", data=b"x", headers={"Content-Type": "image/png"})
    assert (status, answer["error"]["code"]) == (400, 100)


# -- registration --------------------------------------------------------------------------------------------------------


async def code(cloud: Client, path: str, body: dict) -> int:
    """Return the code of an error, 0 for success."""
    _status, answer = await cloud.call("POST", path, body)
    return answer.get("error", {}).get("code", 0)


REGISTER = {"messaging_product": "whatsapp", "pin": "123456"}


async def test_number_is_verified_then_registered_with_a_pin(cloud: Client) -> None:
    await cloud.control("account", {"registered": False, "verified": False})
    assert await cloud.code() == 133010
    assert (await cloud.call("GET", f"{NUMBER}?fields=status"))[1] == {"status": "PENDING", "id": NUMBER}
    assert await code(cloud, f"{NUMBER}/register", REGISTER) == 133006
    assert await code(cloud, f"{NUMBER}/request_code", {"code_method": "SMS"}) == 131008
    assert await code(cloud, f"{NUMBER}/request_code", {"code_method": "SMS", "language": "en_US"}) == 0
    status, answer = await cloud.call("POST", f"{NUMBER}/verify_code", {"code": "654321"})
    assert (status, answer["error"]["code"]) == (422, 100)
    assert await code(cloud, f"{NUMBER}/verify_code", {"code": "123456"}) == 0
    assert await code(cloud, f"{NUMBER}/register", {**REGISTER, "pin": "12345"}) == 131009
    assert await code(cloud, f"{NUMBER}/register", REGISTER) == 0
    assert await cloud.code() == 0
    assert await code(cloud, f"{NUMBER}/deregister", {}) == 0
    assert await code(cloud, f"{NUMBER}/register", {**REGISTER, "pin": "000000"}) == 133005
    assert await code(cloud, NUMBER, {"pin": "000000"}) == 0
    assert await code(cloud, f"{NUMBER}/register", {**REGISTER, "pin": "000000"}) == 0


async def test_registrations_are_limited(cloud: Client) -> None:
    assert [await code(cloud, f"{NUMBER}/register", REGISTER) for _each in range(11)] == [0] * 10 + [133016]


async def test_number_describes_itself(cloud: Client) -> None:
    await cloud.control("account", {"throughput": "HIGH", "quality_rating": "RED", "can_send_message": "BLOCKED"})
    fields = "status,throughput,quality_rating,code_verification_status,health_status"
    _status, info = await cloud.call("GET", f"{NUMBER}?fields={fields}")
    assert info["status"] == "CONNECTED"
    assert info["throughput"] == {"level": "HIGH"}
    assert info["quality_rating"] == "RED"
    assert info["code_verification_status"] == "VERIFIED"
    assert info["health_status"]["can_send_message"] == "BLOCKED"
    assert (await cloud.call("GET", f"{NUMBER}?fields=nothing"))[1]["error"]["code"] == 100
    _status, numbers = await cloud.call("GET", f"{WABA}/phone_numbers")
    assert numbers["data"][0]["id"] == NUMBER


# -- profile and settings ------------------------------------------------------------------------------------------------


async def test_profile_is_stored_and_checked(cloud: Client) -> None:
    path = f"{NUMBER}/whatsapp_business_profile"
    profile = {"about": "Open", "address": "Street 1", "vertical": "RETAIL", "websites": ["https://example.com"]}
    assert await code(cloud, path, profile) == 131008
    assert await code(cloud, path, {"messaging_product": "whatsapp", **profile}) == 0
    for field, value in (
        ("vertical", "Shop"),
        ("about", ""),
        ("about", "x" * 140),
        ("description", "x" * 257),
        ("websites", ["https://example.com"] * 3),
        ("profile_picture_handle", "unknown"),
    ):
        assert await code(cloud, path, {"messaging_product": "whatsapp", field: value}) == 131009
    assert await code(cloud, path, {"messaging_product": "whatsapp", "name": "x"}) == 100
    _status, answer = await cloud.call("GET", f"{path}?fields=about,vertical,email")
    assert answer == {"data": [{"about": "Open", "vertical": "RETAIL", "messaging_product": "whatsapp"}]}


async def test_photo_goes_through_a_resumable_upload(cloud: Client) -> None:
    photo = picture()
    _status, session = await cloud.call("POST", f"{APP}/uploads?file_length={len(photo)}&file_type=image/png")
    oauth = {"Authorization": f"OAuth {TOKEN}", "file_offset": "0"}
    for headers in ({"file_offset": "0"}, {"Authorization": f"OAuth {TOKEN}"}):
        status, _answer = await cloud.call("POST", session["id"], data=photo, headers=headers)
        assert status in (400, 401)
    assert (await cloud.call("POST", session["id"], data=photo[1:], headers=oauth))[0] == 400
    _status, handle = await cloud.call("POST", session["id"], data=photo, headers=oauth)
    path = f"{NUMBER}/whatsapp_business_profile"
    assert await code(cloud, path, {"messaging_product": "whatsapp", "profile_picture_handle": handle["h"]}) == 0
    _status, answer = await cloud.call("GET", f"{path}?fields=profile_picture_url")
    assert await download(cloud, answer["data"][0]["profile_picture_url"], {}) == (200, photo)


async def test_compliance_is_stored_and_checked(cloud: Client) -> None:
    path = f"{NUMBER}/business_compliance_info"
    assert (await cloud.call("GET", path))[1] == {"data": []}
    body = {"messaging_product": "whatsapp", "entity_name": "Shop", "grievance_officer_details": {"name": "Ada"}}
    assert await code(cloud, path, body) == 0
    assert (await cloud.call("GET", path))[1]["data"][0]["entity_name"] == "Shop"
    assert await code(cloud, path, {"grievance_officer_details": {"phone": "1"}}) == 100


@pytest.mark.parametrize("name", ["enable_identity_key_check", "enabled"])
async def test_identity_check_is_switched_by_either_name(cloud: Client, name: str) -> None:
    path = f"{NUMBER}/settings"
    assert await code(cloud, path, {"user_identity_change": {name: True}}) == 0
    assert (await cloud.call("GET", path))[1]["user_identity_change"] == {"enable_identity_key_check": True}
    assert await code(cloud, path, {"user_identity_change": {}}) == 131009
