"""The business profile (docs/reference/vendor-contract.md#profile-and-account). The HTTP statuses are our decision."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from ...store.documents import ABOUT, BUSINESS_PROFILE, COMPLIANCE, PHOTO
from .. import documents
from ..body import read_body
from ..errors import ApiError
from ..schema.profile import (
    About,
    AboutText,
    Business,
    BusinessCompliance,
    BusinessProfile,
    ComplianceInfo,
    PhotoLink,
)
from .table import ADMIN, USER, Call, CallTable, JsonBody, Query, RawBody, Result

if TYPE_CHECKING:
    from ..process import Webapp

PROFILE_PATH = "/v1/settings/business/profile"
COMPLIANCE_PATH = "/v1/settings/business/compliance_info"
ABOUT_PATH = "/v1/settings/profile/about"
PHOTO_PATH = "/v1/settings/profile/photo"
NO_PHOTO = "no photo is set"
LARGEST_PHOTO = 512 << 10  # bytes
PHOTO_SIGNATURES = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n"}  # the first bytes of such a file


async def read_profile(webapp: Webapp, _request: web.Request) -> Result:
    """GET /v1/settings/business/profile: address, description, e-mail, line of business and websites."""
    return 200, {"settings": {"business": {"profile": await documents.read(webapp, BUSINESS_PROFILE)}}}


async def change_profile(webapp: Webapp, _request: web.Request, body: BusinessProfile) -> Result:
    """POST /v1/settings/business/profile: change the given fields of the business profile."""
    await documents.update(webapp, BUSINESS_PROFILE, msgspec.to_builtins(body))
    return 200, {}


async def read_compliance(webapp: Webapp, _request: web.Request) -> Result:
    """GET /v1/settings/business/compliance_info: the legal entity and its contacts."""
    return 200, {"settings": {"business": {"compliance_info": await documents.read(webapp, COMPLIANCE)}}}


async def set_compliance(webapp: Webapp, _request: web.Request, body: ComplianceInfo) -> Result:
    """POST /v1/settings/business/compliance_info: replace the legal entity and its contacts."""
    await documents.replace(webapp, COMPLIANCE, msgspec.to_builtins(body))
    return 200, {}


async def read_about(webapp: Webapp, _request: web.Request) -> Result:
    """GET /v1/settings/profile/about: the text below the display name."""
    content = await documents.read(webapp, ABOUT)
    return 200, {"settings": {"profile": {"about": {"text": content.get("text", "")}}}}


async def set_about(webapp: Webapp, _request: web.Request, body: About) -> Result:
    """PATCH /v1/settings/profile/about: set the text below the display name."""
    await documents.replace(webapp, ABOUT, {"text": body.text})
    return 200, {}


async def read_photo(webapp: Webapp, request: web.Request) -> Result:
    """GET /v1/settings/profile/photo: the photo, or its address with `?format=link`."""
    if request.query.get("format") == "link":
        if not (link := await documents.read_photo_link(webapp, PHOTO_PATH)):
            raise ApiError(1006, NO_PHOTO)
        return 200, {"settings": {"profile": {"photo": {"link": link}}}}
    content = await documents.read(webapp, PHOTO)
    if not content:
        raise ApiError(1006, NO_PHOTO)
    return web.Response(body=base64.b64decode(content["data"]), content_type=content["type"])


async def set_photo(webapp: Webapp, request: web.Request) -> Result:
    """POST /v1/settings/profile/photo: set the photo: a JPEG or PNG file of at most 512 KiB, as the raw body."""
    if request.content_type not in PHOTO_SIGNATURES:
        raise ApiError(1009, f"Content-Type must be one of {', '.join(PHOTO_SIGNATURES)}", 415)
    raw = await read_body(request)
    if len(raw) > LARGEST_PHOTO:
        raise ApiError(1001, f"the photo is larger than {LARGEST_PHOTO} bytes", 413)
    if not raw.startswith(PHOTO_SIGNATURES[request.content_type]):
        raise ApiError(1009, f"the file is not {request.content_type}")
    await documents.replace(webapp, PHOTO, {"type": request.content_type, "data": base64.b64encode(raw).decode()})
    return 200, {}


async def delete_photo(webapp: Webapp, _request: web.Request) -> Result:
    """DELETE /v1/settings/profile/photo: delete the photo."""
    await documents.clear(webapp, PHOTO)
    return 200, {}


CALLS: CallTable = [
    Call("GET", PROFILE_PATH, USER, read_profile, answers={200: Business}),
    Call("POST", PROFILE_PATH, ADMIN, change_profile, JsonBody(BusinessProfile)),
    Call("GET", COMPLIANCE_PATH, USER, read_compliance, answers={200: BusinessCompliance}),
    Call("POST", COMPLIANCE_PATH, ADMIN, set_compliance, JsonBody(ComplianceInfo)),
    Call("GET", ABOUT_PATH, USER, read_about, answers={200: AboutText}),
    Call("PATCH", ABOUT_PATH, ADMIN, set_about, JsonBody(About)),
    Call(
        "GET",
        PHOTO_PATH,
        USER,
        read_photo,
        answers={200: (RawBody(tuple(PHOTO_SIGNATURES)), PhotoLink)},
        query=(Query("format", ("link",), "`link`: the address of the photo instead of the photo"),),
    ),
    Call("POST", PHOTO_PATH, ADMIN, set_photo, RawBody(tuple(PHOTO_SIGNATURES))),
    Call("DELETE", PHOTO_PATH, ADMIN, delete_photo),
]
