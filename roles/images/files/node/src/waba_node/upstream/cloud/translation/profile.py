"""Translates the profile, the compliance information and the registration of a number between the two APIs."""

from __future__ import annotations

import re
from typing import Any

from .errors import Untranslatable
from .shapes import Field, Json, Rule, Shape, copy, fields

PRODUCT = {"messaging_product": "whatsapp"}
LANGUAGE = "en_US"  # of the message with the registration code; on-premises clients cannot choose one
OTHER, PARTNERSHIP = "OTHER", "PARTNERSHIP"

VERTICALS: dict[str, str] = {  # on-premises line of business -> Cloud
    "Automotive": "AUTO",
    "Beauty, Spa and Salon": "BEAUTY",
    "Clothing and Apparel": "APPAREL",
    "Education": "EDU",
    "Entertainment": "ENTERTAIN",
    "Event Planning and Service": "EVENT_PLAN",
    "Finance and Banking": "FINANCE",
    "Food and Grocery": "GROCERY",
    "Public Service": "GOVT",
    "Hotel and Lodging": "HOTEL",
    "Medical and Health": "HEALTH",
    "Non-profit": "NONPROFIT",
    "Professional Services": "PROF_SERVICES",
    "Shopping and Retail": "RETAIL",
    "Travel and Transportation": "TRAVEL",
    "Restaurant": "RESTAURANT",
    "Other": OTHER,
}
CLOUD_ONLY = ("ALCOHOL", "ONLINE_GAMBLING", "PHYSICAL_GAMBLING", "OTC_DRUGS")  # accepted and reported under these names
WITHOUT_VERTICAL = ("", "UNDEFINED", "NOT_A_BIZ")
_FROM_ONPREM = {name.casefold(): cloud for name, cloud in VERTICALS.items()}
_TO_ONPREM = {cloud: name for name, cloud in VERTICALS.items()}

ENTITY_TYPES = (
    "LIMITED_LIABILITY_PARTNERSHIP",
    "SOLE_PROPRIETORSHIP",
    PARTNERSHIP,
    "PUBLIC_COMPANY",
    "PRIVATE_COMPANY",
    OTHER,
)

PERSON = fields("email mobile_number landline_number")
SHAPES: dict[str, Shape] = {
    "profile": Shape(
        (
            *fields("address description email"),
            Field("vertical", note="By the table of the lines of business; an unknown text becomes `OTHER`."),
            Field("websites", Rule.FREE),
        ),
        "profiles onprem-profile",
    ),
    "compliance": Shape(
        (
            Field("entity_name"),
            Field("entity_type", note="In capitals with `_`; an unknown text becomes `OTHER` with a custom type."),
            Field("entity_type_custom", note="Only with `OTHER`."),
            Field("is_registered", note="Only with `OTHER` or `PARTNERSHIP`."),
            Field("grievance_officer_details", shape="grievance_officer"),
            Field("customer_care_details", shape="customer_care"),
        ),
        "openapi",
    ),
    "grievance_officer": Shape((Field("name"), *PERSON), "openapi"),
    "customer_care": Shape((Field("name", Rule.DROP, note="Not allowed there."), *PERSON), "openapi"),
}
PROFILE_FIELDS = (
    "about,address,description,email,profile_picture_url,websites,vertical"  # of GET whatsapp_business_profile
)
COMPLIANCE_FIELDS = ",".join(field.name for field in SHAPES["compliance"].fields)  # of GET business_compliance_info


def profile_body(changes: Json) -> dict[str, Any]:
    """Return the body of POST whatsapp_business_profile for the changed fields of a profile. An empty text deletes a field."""
    body = {field.name: changes[field.name] for field in SHAPES["profile"].fields if field.name in changes}
    if "vertical" in body:
        body["vertical"] = cloud_vertical(body["vertical"])
    return {**PRODUCT, **body}


def profile_of(data: Json) -> dict[str, Any]:
    """Return the profile in an answer of GET whatsapp_business_profile, one entry of its `data`."""
    profile = {field.name: data[field.name] for field in SHAPES["profile"].fields if field.name in data}
    if "vertical" in profile:
        profile["vertical"] = onprem_vertical(str(profile["vertical"]))
    return profile


def cloud_vertical(text: str) -> str:
    """Return the line of business in the Cloud API for a free text. "" without one."""
    name = text.strip()
    if not name or name.upper() in (*CLOUD_ONLY, *_TO_ONPREM):
        return name.upper()
    return _FROM_ONPREM.get(name.casefold(), OTHER)


def onprem_vertical(name: str) -> str:
    """Return the line of business that on-premises clients know."""
    return "" if name in WITHOUT_VERTICAL else _TO_ONPREM.get(name, name)


def about_body(text: str) -> dict[str, Any]:
    """Return the body of POST whatsapp_business_profile that sets the text below the display name."""
    return {**PRODUCT, "about": text}


def about_of(data: Json) -> str:
    """Return the text below the display name in an answer of GET whatsapp_business_profile."""
    return str(data.get("about") or "")


def photo_body(handle: str) -> dict[str, Any]:
    """Return the body of POST whatsapp_business_profile that sets the photo. handle: of the uploaded file."""
    return {**PRODUCT, "profile_picture_handle": handle}


def photo_of(data: Json) -> str:
    """Return the address of the photo in an answer of GET whatsapp_business_profile, "" without a photo."""
    return str(data.get("profile_picture_url") or "")


def compliance_body(information: Json) -> dict[str, Any]:
    """Return the body of POST business_compliance_info."""
    body = copy(SHAPES, "compliance", information)
    given = str(body.get("entity_type", ""))
    kind = re.sub(r"[^A-Z]+", "_", given.upper()).strip("_")
    if kind not in ENTITY_TYPES:
        kind = OTHER
        body.setdefault("entity_type_custom", given)
    elif kind != OTHER:
        body.pop("entity_type_custom", None)
        if kind != PARTNERSHIP:
            body.pop("is_registered", None)
    return {**PRODUCT, **body, "entity_type": kind}


def compliance_of(data: Json) -> dict[str, Any]:
    """Return the compliance information in an answer of GET business_compliance_info, one entry of its `data`."""
    return copy(SHAPES, "compliance", data)


def code_request_body(method: str) -> dict[str, Any]:
    """Return the body of POST request_code. method: sms or voice."""
    return {"code_method": method.upper(), "language": LANGUAGE}


def verification_body(code: str) -> dict[str, Any]:
    """Return the body of POST verify_code. code: as the user typed it, perhaps with a hyphen."""
    return {"code": re.sub(r"[\s-]", "", code)}


def registration_body(pin: str) -> dict[str, Any]:
    """Return the body of POST register. pin: six digits: the number's, or a new one. Raises Untranslatable."""
    return {**PRODUCT, **two_step_body(pin)}


def two_step_body(pin: str) -> dict[str, Any]:
    """Return the body of POST <phone-number-id> that sets the PIN. Raises Untranslatable."""
    if not re.fullmatch(r"[0-9]{6}", pin):
        raise Untranslatable(1009, "the Cloud API requires a PIN of six digits")
    return {"pin": pin}
