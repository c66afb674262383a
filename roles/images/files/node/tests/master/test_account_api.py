"""The profile calls of the API, whose documents the upstream stores."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from waba_node.master.account_api import AccountApi
from waba_node.rpc import RpcError
from waba_node.upstream.account import Photo
from waba_node.upstream.base import Refused, UpstreamError
from waba_node.webapp.calls import profile, two_step
from waba_node.webapp.errors import ApiError
from waba_node.webapp.routing import as_api_error
from waba_node.webapp.schema.account import Pin
from waba_node.webapp.schema.profile import About, BusinessProfile, ComplianceInfo

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


class Account:
    """An account in memory. problem: the error of every call."""

    def __init__(self) -> None:
        self.profile: dict[str, Any] = {}
        self.compliance: dict[str, Any] = {}
        self.about, self.pin = "", ""
        self.photo: Photo | None = None
        self.problem: Exception | None = None

    async def set_pin(self, pin: str) -> None:
        self.pin = pin

    async def remove_pin(self) -> None:
        raise Refused([{"code": 1005, "title": "Access denied", "details": "elsewhere"}])

    async def read_profile(self) -> dict[str, Any]:
        if self.problem is not None:
            raise self.problem
        return self.profile

    async def change_profile(self, changes: dict[str, Any]) -> None:
        self.profile |= changes

    async def read_about(self) -> str:
        return self.about

    async def set_about(self, text: str) -> None:
        self.about = text

    async def read_photo_link(self) -> str:
        return "https://photos.example/1" if self.photo else ""

    async def read_photo(self) -> Photo | None:
        return self.photo

    async def set_photo(self, photo: Photo) -> None:
        self.photo = photo

    async def remove_photo(self) -> None:
        self.photo = None

    async def read_compliance(self) -> dict[str, Any]:
        return self.compliance

    async def set_compliance(self, information: dict[str, Any]) -> None:
        self.compliance = information


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def webapp(account: Account) -> Any:
    """As much of a webapp as the calls use, whose primary master is in this process."""
    api = AccountApi(account)
    methods = {"account.read": api.read, "account.change": api.change}

    async def call_primary_master(method: str, payload: dict, _timeout: float) -> dict:
        try:
            return await methods[method](payload)
        except RpcError as error:
            raise as_api_error(error) from error

    return SimpleNamespace(
        config=SimpleNamespace(cloud=True), router=SimpleNamespace(call_primary_master=call_primary_master)
    )


def request(content_type: str = "", body: bytes = b"", **query: str) -> Any:
    async def read() -> bytes:
        return body

    return SimpleNamespace(content_type=content_type, read=read, query=query)


async def test_profile_calls_reach_the_account(webapp: Any, account: Account) -> None:
    await profile.change_profile(webapp, request(), BusinessProfile(address="1 Main Street"))
    await profile.change_profile(webapp, request(), BusinessProfile(email="shop@shop.example"))
    changed = {"address": "1 Main Street", "email": "shop@shop.example"}
    assert account.profile == changed
    assert (await profile.read_profile(webapp, request()))[1]["settings"]["business"]["profile"] == changed
    await profile.set_about(webapp, request(), About("open"))
    assert (await profile.read_about(webapp, request()))[1]["settings"]["profile"]["about"] == {"text": "open"}
    await profile.set_compliance(webapp, request(), ComplianceInfo(entity_name="Shop", entity_type="OTHER"))
    assert (await profile.read_compliance(webapp, request()))[1]["settings"]["business"]["compliance_info"] == {
        "entity_name": "Shop",
        "entity_type": "OTHER",
    }


async def test_photo_is_returned_as_a_file_or_as_its_address(webapp: Any) -> None:
    for query in ({}, {"format": "link"}):
        with pytest.raises(ApiError, match="no photo is set"):
            await profile.read_photo(webapp, request(**query))
    await profile.set_photo(webapp, request("image/png", PNG))
    answer = await profile.read_photo(webapp, request())
    assert (answer.body, answer.content_type) == (PNG, "image/png")
    link = (await profile.read_photo(webapp, request(format="link")))[1]["settings"]["profile"]["photo"]["link"]
    assert link == "https://photos.example/1"
    await profile.delete_photo(webapp, request())
    with pytest.raises(ApiError, match="no photo is set"):
        await profile.read_photo(webapp, request())


async def test_pin_reaches_the_account_and_is_not_removed_without_a_call_for_it(webapp: Any, account: Account) -> None:
    await two_step.enable_two_step(webapp, request(), Pin("123456"))
    assert account.pin == "123456"
    with pytest.raises(ApiError) as caught:
        await two_step.disable_two_step(webapp, request())
    assert (caught.value.code, caught.value.details) == (1005, "elsewhere")


@pytest.mark.parametrize(
    ("problem", "code", "status"),
    [
        (Refused([{"code": 1009, "title": "Parameter value is not valid", "details": "d"}]), 1009, 400),
        (Refused([{"code": 1031, "title": "Sender account locked"}]), 1031, 403),
        (Refused([{"code": 472, "title": "User is part of an experiment"}]), 1000, 500),
        (UpstreamError("no answer"), 1011, 503),
    ],
)
async def test_errors_of_the_upstream_become_errors_of_the_api(
    webapp: Any, account: Account, problem: Exception, code: int, status: int
) -> None:
    account.problem = problem
    with pytest.raises(ApiError) as caught:
        await profile.read_profile(webapp, request())
    assert (caught.value.code, caught.value.status) == (code, status)
