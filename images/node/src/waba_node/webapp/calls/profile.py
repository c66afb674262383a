"""What the business says of itself (vendor facts, section 2.11: the paths; the fields' bounds and the statuses are ours)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from ...store.documents import ABOUT, BUSINESS_PROFILE, COMPLIANCE, PHOTO
from ..answers import AboutText, Business, BusinessCompliance, PhotoLink
from ..errors import ApiError
from ..requests import About, BusinessProfile, ComplianceInfo, read_body
from . import documents
from .table import ADMIN, USER, Call, CallTable, JsonBody, Query, RawBody

if TYPE_CHECKING:
    from ..process import Webapp

PROFILE_PATH = "/v1/settings/business/profile"
COMPLIANCE_PATH = "/v1/settings/business/compliance_info"
ABOUT_PATH = "/v1/settings/profile/about"
PHOTO_PATH = "/v1/settings/profile/photo"
LARGEST_PHOTO = 512 << 10  # bytes
PHOTO_TYPES = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n"}  # with what such a file begins


async def read_profile(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """GET /v1/settings/business/profile: the business's address, description, e-mail, line of business, websites."""
    return 200, {"settings": {"business": {"profile": await documents.kept(webapp, BUSINESS_PROFILE)}}}


async def change_profile(webapp: Webapp, _request: web.Request, body: BusinessProfile) -> tuple[int, dict]:
    """POST /v1/settings/business/profile: what is named of the business's profile changes, the rest stays."""
    await documents.add(webapp, BUSINESS_PROFILE, msgspec.to_builtins(body))
    return 200, {}


async def read_compliance(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """GET /v1/settings/business/compliance_info: who answers for the business."""
    return 200, {"settings": {"business": {"compliance_info": await documents.kept(webapp, COMPLIANCE)}}}


async def set_compliance(webapp: Webapp, _request: web.Request, body: ComplianceInfo) -> tuple[int, dict]:
    """POST /v1/settings/business/compliance_info: who answers for the business; takes the place of what was said before."""
    await documents.put(webapp, COMPLIANCE, msgspec.to_builtins(body))
    return 200, {}


async def read_about(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """GET /v1/settings/profile/about: the line under the name."""
    content = await documents.kept(webapp, ABOUT)
    return 200, {"settings": {"profile": {"about": {"text": content.get("text", "")}}}}


async def set_about(webapp: Webapp, _request: web.Request, body: About) -> tuple[int, dict]:
    """PATCH /v1/settings/profile/about: another line under the name."""
    await documents.put(webapp, ABOUT, {"text": body.text})
    return 200, {}


async def read_photo(webapp: Webapp, request: web.Request) -> tuple[int, dict] | web.Response:
    """GET /v1/settings/profile/photo: the picture itself, or with `?format=link` where to get it."""
    content = await documents.kept(webapp, PHOTO)
    if not content:
        raise ApiError(1006, "there is no photo")
    if request.query.get("format") == "link":
        return 200, {"settings": {"profile": {"photo": {"link": PHOTO_PATH}}}}
    return web.Response(body=base64.b64decode(content["data"]), content_type=content["type"])


async def set_photo(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """POST /v1/settings/profile/photo: another picture, a JPEG or PNG of at most 512 KiB, as the raw body."""
    if request.content_type not in PHOTO_TYPES:
        raise ApiError(1009, f"Content-Type must be one of {', '.join(PHOTO_TYPES)}", 415)
    raw = await read_body(request)
    if len(raw) > LARGEST_PHOTO:
        raise ApiError(1001, f"the photo is larger than {LARGEST_PHOTO} bytes", 413)
    if not raw.startswith(PHOTO_TYPES[request.content_type]):
        raise ApiError(1009, f"the body is no {request.content_type}")
    await documents.put(webapp, PHOTO, {"type": request.content_type, "data": base64.b64encode(raw).decode()})
    return 200, {}


async def delete_photo(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """DELETE /v1/settings/profile/photo: there is no picture any more."""
    await documents.remove(webapp, PHOTO)
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
        answers={200: (RawBody(tuple(PHOTO_TYPES)), PhotoLink)},
        query=(Query("format", ("link",), "`link`: where the picture is, instead of the picture"),),
    ),
    Call("POST", PHOTO_PATH, ADMIN, set_photo, RawBody(tuple(PHOTO_TYPES))),
    Call("DELETE", PHOTO_PATH, ADMIN, delete_photo),
]
