"""What clients may send: one type a request, checked before anything is done (source: vendor facts, sections 2.2, 2.5).

Messages have a package of their own, `message`.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from .errors import ApiError

LARGEST_BODY = 1 << 20  # bytes

END = r"(?![\s\S])"  # the very end: before `$` there may still be a newline

Digits = Annotated[str, Meta(pattern=rf"^[0-9]{{4,15}}{END}")]
Recipient = Annotated[str, Meta(pattern=rf"^\+?[0-9]{{5,15}}{END}")]


class Login(Struct):
    """POST /v1/users/login; the body may be empty."""

    new_password: str | None = None


Role = Literal["ROLE_ADMIN", "ROLE_USER"]


class NewUser(Struct):
    """POST /v1/users. The characters of a name, and that a role can be given, are ours."""

    username: Annotated[str, Meta(pattern=rf"^[A-Za-z0-9._@+-]{{4,32}}{END}")]
    password: str
    ROLES: Role = "ROLE_USER"


class ChangedUser(Struct):
    """PUT /v1/users/{name}. That a role can be changed is ours."""

    password: str | UnsetType = UNSET
    ROLES: Role | UnsetType = UNSET


class Register(Struct):
    """POST /v1/account."""

    cc: Annotated[str, Meta(pattern=rf"^[0-9]{{1,4}}{END}")]
    phone_number: Digits
    method: str
    cert: str
    pin: str | None = None

    def __post_init__(self) -> None:
        if self.method not in ("sms", "voice"):
            raise ValueError("method must be sms or voice")


class Verify(Struct):
    """POST /v1/account/verify. A code that is missing or malformed is refused like a wrong one (vendor fact)."""

    code: str = ""


class Shards(Struct):
    """POST /v1/account/shards. A certificate may come along; it is the vendor's affair."""

    cc: Annotated[str, Meta(pattern=rf"^[0-9]{{1,4}}{END}")]
    phone_number: Digits
    shards: int
    pin: str | None = None
    cert: str | None = None


class Pin(Struct):
    """POST /v1/settings/account/two-step."""

    pin: Annotated[str, Meta(pattern=rf"^[0-9]{{6}}{END}")]


class BasicCredentials(Struct, forbid_unknown_fields=True):
    """A name and a password."""

    username: Annotated[str, Meta(max_length=256)]
    password: Annotated[str, Meta(max_length=1024)]


class ProviderConfig(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The credentials of a media provider: one of the two."""

    bearer: Annotated[str, Meta(min_length=1, max_length=4096)] | UnsetType = UNSET
    basic: BasicCredentials | UnsetType = UNSET

    def __post_init__(self) -> None:
        if (self.bearer is UNSET) == (self.basic is UNSET):
            raise ValueError("config must have one of bearer and basic")


class Provider(Struct, forbid_unknown_fields=True):
    """One entry of POST /v1/settings/application/media/providers. The characters of a name are ours."""

    name: Annotated[str, Meta(pattern=rf"^[A-Za-z0-9._-]{{1,64}}{END}")]
    type: Literal["www"]
    config: ProviderConfig


class BackupPassword(Struct):
    """POST /v1/settings/backup. The bounds are ours."""

    password: Annotated[str, Meta(min_length=8, max_length=256)]


class Restore(BackupPassword):
    """POST /v1/settings/restore."""

    data: str


class BackupContent(Struct):
    """What is in a backup."""

    shards: int
    documents: dict[str, dict[str, Any]]


class BusinessProfile(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """POST /v1/settings/business/profile: a part of it."""

    address: Annotated[str, Meta(max_length=256)] | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=512)] | UnsetType = UNSET
    email: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    vertical: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    websites: Annotated[list[Annotated[str, Meta(max_length=256)]], Meta(max_length=2)] | UnsetType = UNSET


class Officer(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Somebody to turn to."""

    name: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    email: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    landline_number: Annotated[str, Meta(max_length=20)] | UnsetType = UNSET
    mobile_number: Annotated[str, Meta(max_length=20)] | UnsetType = UNSET


class ComplianceInfo(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """POST /v1/settings/business/compliance_info."""

    entity_name: Annotated[str, Meta(min_length=1, max_length=128)]
    entity_type: Annotated[str, Meta(min_length=1, max_length=64)]
    is_registered: bool | UnsetType = UNSET
    entity_type_custom: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    grievance_officer_details: Officer | UnsetType = UNSET
    customer_care_details: Officer | UnsetType = UNSET


class About(Struct):
    """PATCH /v1/settings/profile/about."""

    text: Annotated[str, Meta(min_length=1, max_length=139)]


class CheckContacts(Struct):
    """POST /v1/contacts. How many numbers at once is ours."""

    contacts: Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(min_length=1, max_length=1000)]
    blocking: Literal["wait", "no_wait"] = "no_wait"
    force_check: bool = False


class IdentityHash(Struct):
    """PUT /v1/contacts/{wa_id}/identity."""

    hash: Annotated[str, Meta(min_length=1, max_length=64)]


Wanted = TypeVar("Wanted")
Kind = TypeVar("Kind", dict, list)


async def read_body(request: web.Request) -> bytes:
    """Return the request's body. Raises ApiError 1025 when it is too large or did not come whole."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise ApiError(1025, f"the body is larger than {LARGEST_BODY} bytes", 413) from error
    except (web.RequestPayloadError, OSError) as error:
        raise ApiError(1025, "the body did not arrive as it was announced") from error


async def read_json(request: web.Request, kind: type[Kind], empty: bool = False) -> Kind:
    """Return the request's JSON object or list. empty: none at all is an empty one. Raises ApiError 1025 for what is none, or did not come whole."""
    raw = await read_body(request)
    if empty and not raw.strip():
        return kind()
    try:
        content = json.loads(raw.decode("utf-8", "strict"), parse_constant=_no_constant)
        if b"\\u" in raw:  # as which alone there can be lone surrogates, which cannot be stored
            json.dumps(content, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise ApiError(1025, "the body is not valid JSON in UTF-8") from error
    if not isinstance(content, kind):
        raise ApiError(1025, f"the body is not a JSON {'object' if kind is dict else 'list'}")
    return content


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def converted(content: dict[str, Any] | list[Any], wanted: type[Wanted]) -> Wanted:
    """Return a body as its type. Raises ApiError 1008 for what is missing, 1001 for what is too long, 1009 for what is wrong."""
    try:
        return msgspec.convert(content, wanted)
    except msgspec.ValidationError as error:
        text = str(error)
        code = 1008 if "missing required field" in text else 1001 if "of length <=" in text else 1009
        raise ApiError(code, text) from error
    except OverflowError as error:
        raise ApiError(1009, "a number is out of all bounds") from error
