"""The business profile (docs/reference/vendor-contract.md#profile-and-account). The bounds of the fields are our decision."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from .common import answer


class BusinessProfile(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The body of POST /v1/settings/business/profile, which is partial."""

    address: Annotated[str, Meta(max_length=256)] | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=512)] | UnsetType = UNSET
    email: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    vertical: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    websites: Annotated[list[Annotated[str, Meta(max_length=256)]], Meta(max_length=2)] | UnsetType = UNSET


class ContactPerson(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A contact of the business."""

    name: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    email: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    landline_number: Annotated[str, Meta(max_length=20)] | UnsetType = UNSET
    mobile_number: Annotated[str, Meta(max_length=20)] | UnsetType = UNSET


class ComplianceDetails(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The optional fields of the compliance information."""

    is_registered: bool | UnsetType = UNSET
    entity_type_custom: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    grievance_officer_details: ContactPerson | UnsetType = UNSET
    customer_care_details: ContactPerson | UnsetType = UNSET


class ComplianceInfo(ComplianceDetails, kw_only=True, forbid_unknown_fields=True):
    """The body of POST /v1/settings/business/compliance_info."""

    entity_name: Annotated[str, Meta(min_length=1, max_length=128)]
    entity_type: Annotated[str, Meta(min_length=1, max_length=64)]


class StoredComplianceInfo(ComplianceDetails, forbid_unknown_fields=True):
    """The compliance information; empty before it is set."""

    entity_name: str | UnsetType = UNSET
    entity_type: str | UnsetType = UNSET


class About(Struct):
    """The body of PATCH /v1/settings/profile/about."""

    text: Annotated[str, Meta(min_length=1, max_length=139)]


Business = answer("Business", "settings.business.profile", BusinessProfile)
BusinessCompliance = answer("BusinessCompliance", "settings.business.compliance_info", StoredComplianceInfo)
AboutText = answer("AboutText", "settings.profile.about.text", str)
PhotoLink = answer("PhotoLink", "settings.profile.photo.link", str)
