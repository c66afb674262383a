"""The account calls against the stand-in of the Cloud API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

import pytest
from tests.rehearsal.standin_support import NUMBER, TOKEN, WABA, Client, running
from waba_node.config import CloudConfig
from waba_node.rehearsal.account import CODE
from waba_node.upstream.account import Photo, Registration
from waba_node.upstream.base import Refused, UpstreamError, WrongCode
from waba_node.upstream.cloud.account import CloudAccount

CC, PHONE_NUMBER = "1", "5559876543"  # of the stand-in
JPEG = b"\xff\xd8\xff" + bytes(2000)


@pytest.fixture
async def cloud() -> AsyncIterator[Client]:
    async with running(subscribed=False) as client:
        yield client


def account_of(cloud: Client, **changes: str) -> CloudAccount:
    values = {"phone_number_id": NUMBER, "waba_id": WABA, "token": TOKEN, "base_url": cloud.address, **changes}
    return CloudAccount(CloudConfig(app_secrets=("s",), verify_token="v", **values))


@pytest.fixture
def account(cloud: Client) -> CloudAccount:
    return account_of(cloud, pin="123456")


async def refusal(call: Awaitable[object]) -> tuple[int, str]:
    """Return code and details with which a call is refused."""
    with pytest.raises(Refused) as caught:
        await call
    (error,) = caught.value.errors
    return error["code"], error["details"]


# -- registration ------------------------------------------------------------------------------------------------------


async def test_registered_number_needs_no_code(account: CloudAccount) -> None:
    assert await account.register(CC, PHONE_NUMBER, "sms", None) == Registration(True, "Rehearsal")


async def test_verified_number_is_registered_at_once(cloud: Client, account: CloudAccount) -> None:
    await cloud.control("account", {"registered": False})
    assert (await account.register(CC, PHONE_NUMBER, "sms", None)).registered
    assert (await cloud.control("state"))["number"]["status"] == "CONNECTED"


async def test_unverified_number_is_registered_with_the_code_and_the_pin(cloud: Client) -> None:
    await cloud.control("account", {"registered": False, "verified": False, "pin": "654321"})
    account = account_of(cloud)
    assert not (await account.register(CC, PHONE_NUMBER, "voice", "654321")).registered
    for wrong in ("999999", "no code", ""):
        with pytest.raises(WrongCode):
            await account.verify(wrong)
    await account.verify(f"{CODE[:3]}-{CODE[3:]}")
    assert (await cloud.control("state"))["number"]["status"] == "CONNECTED"
    await account.verify(CODE)  # a repetition has no effect


async def test_registration_can_be_repeated_after_a_wrong_pin(cloud: Client) -> None:
    await cloud.control("account", {"registered": False, "verified": False, "pin": "654321"})
    account = account_of(cloud, pin="111111")
    await account.register(CC, PHONE_NUMBER, "sms", None)
    assert (await refusal(account.verify(CODE)))[0] == 1005
    assert (await account.register(CC, PHONE_NUMBER, "sms", "654321")).registered  # it is verified by now


async def test_another_number_than_the_configured_one_is_refused(account: CloudAccount) -> None:
    code, details = await refusal(account.register("49", "15112345678", "sms", None))
    assert (code, details) == (1009, "the configured phone number id belongs to +15559876543")


async def test_registration_without_any_pin_is_refused_before_a_code_is_sent(cloud: Client) -> None:
    await cloud.control("account", {"registered": False, "verified": False})
    code, details = await refusal(account_of(cloud).register(CC, PHONE_NUMBER, "sms", None))
    assert code == 1008
    assert details.startswith("pin: ")


async def test_errors_are_those_of_the_api(cloud: Client, account: CloudAccount) -> None:
    await cloud.control("behaviour", {"dead_tokens": True})
    assert (await refusal(account.read_profile()))[0] == 1005
    assert (await refusal(account.register(CC, PHONE_NUMBER, "sms", None)))[0] == 1005
    with pytest.raises(UpstreamError, match="cannot be reached") as caught:
        await account_of(cloud, base_url="http://127.0.0.1:1").read_about()
    assert not isinstance(caught.value, Refused)
    assert TOKEN not in str(caught.value)


# -- profile -----------------------------------------------------------------------------------------------------------


async def test_change_of_the_profile_is_partial(account: CloudAccount) -> None:
    await account.change_profile({"address": "1 Main Street", "vertical": "Shopping and Retail"})
    await account.change_profile({"websites": ["https://shop.example/"]})
    assert await account.read_profile() == {
        "address": "1 Main Street",
        "vertical": "Shopping and Retail",
        "websites": ["https://shop.example/"],
    }
    assert (await refusal(account.change_profile({"description": "x" * 300})))[0] == 1009


async def test_about_text_is_set(account: CloudAccount) -> None:
    assert await account.read_about() == ""
    await account.set_about("Öffnet um 8")
    assert await account.read_about() == "Öffnet um 8"
    assert await account.read_profile() == {}


async def test_photo_is_uploaded_and_returned(account: CloudAccount) -> None:
    assert (await account.read_photo_link(), await account.read_photo()) == ("", None)
    await account.set_photo(Photo("image/jpeg", JPEG))
    assert (await account.read_photo_link()).startswith("http://127.0.0.1:")
    assert await account.read_photo() == Photo("image/jpeg", JPEG)


async def test_compliance_information_is_set(account: CloudAccount) -> None:
    assert await account.read_compliance() == {}
    information = {"entity_name": "Shop", "entity_type": "PARTNERSHIP", "is_registered": True}
    await account.set_compliance(information)
    assert await account.read_compliance() == information


async def test_pin_is_set(cloud: Client, account: CloudAccount) -> None:
    await account.set_pin("222222")
    await cloud.control("account", {"registered": False})
    assert (await account.register(CC, PHONE_NUMBER, "sms", None)).registered  # with the new PIN


async def test_calls_without_a_counterpart_say_where_to_do_it(account: CloudAccount) -> None:
    for call in (account.remove_pin(), account.remove_photo()):
        code, details = await refusal(call)
        assert code == 1005
        assert "WhatsApp Manager" in details
