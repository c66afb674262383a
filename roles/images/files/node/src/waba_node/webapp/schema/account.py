"""Registration, two-step verification and shards (docs/reference/vendor-contract.md#profile-and-account)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .common import END, Answer, CountryCode, Digits


class Register(Struct):
    """The body of POST /v1/account."""

    cc: CountryCode
    phone_number: Digits
    method: Literal["sms", "voice"]
    cert: str
    pin: str | None = None


class Verify(Struct):
    """The body of POST /v1/account/verify. A missing or malformed code is refused like a wrong code."""

    code: str = ""


class Shards(Struct):
    """The body of POST /v1/account/shards. The certificate is accepted and not used."""

    cc: CountryCode
    phone_number: Digits
    shards: int
    pin: str | None = None
    cert: str | None = None


class Pin(Struct):
    """The body of POST /v1/settings/account/two-step."""

    pin: Annotated[str, Meta(pattern=rf"^[0-9]{{6}}{END}")]


class RegisteredName(Struct, forbid_unknown_fields=True):
    """The display name of a number."""

    vname: str


class Registration(Answer):
    """A registration that waits for its code."""

    account: list[RegisteredName]


class Sharding(Struct, forbid_unknown_fields=True):
    """The number of shards."""

    shards: int


class ShardCount(Answer):
    """The number of shards of the cluster."""

    account: Sharding
