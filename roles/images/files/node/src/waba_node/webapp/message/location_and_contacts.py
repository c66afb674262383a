"""Locations and contact cards (docs/reference/vendor-contract.md#messages). The maximum numbers of entries are our decision."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from ..schema.common import END
from .common import Part, length

ShortText = Annotated[str, length(256, 0)] | None
Entries = Meta(max_length=20)


class Location(Part):
    """A location, in degrees."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    name: Annotated[str, length(1000, 0)] | None = None
    address: Annotated[str, length(1000, 0)] | None = None


class PersonName(Part):
    """The name of a person."""

    formatted_name: Annotated[str, length(256)]
    first_name: ShortText = None
    last_name: ShortText = None
    middle_name: ShortText = None
    prefix: ShortText = None
    suffix: ShortText = None


class Address(Part):
    """A postal address."""

    street: ShortText = None
    city: ShortText = None
    state: ShortText = None
    zip: ShortText = None
    country: ShortText = None
    country_code: ShortText = None
    type: ShortText = None


class Email(Part):
    """An e-mail address."""

    email: ShortText = None
    type: ShortText = None


class Organization(Part):
    """The employer of a person."""

    company: ShortText = None
    department: ShortText = None
    title: ShortText = None


class Phone(Part):
    """A phone number. wa_id: its WhatsApp ID."""

    phone: ShortText = None
    type: ShortText = None
    wa_id: ShortText = None


class Url(Part):
    """A web address."""

    url: Annotated[str, length(2048, 0)] | None = None
    type: ShortText = None


class ContactCard(Part):
    """A contact card."""

    name: PersonName
    birthday: Annotated[str, Meta(pattern=rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{END}")] | None = None
    addresses: Annotated[list[Address], Entries] = field(default_factory=list)
    emails: Annotated[list[Email], Entries] = field(default_factory=list)
    org: Organization | None = None
    phones: Annotated[list[Phone], Entries] = field(default_factory=list)
    urls: Annotated[list[Url], Entries] = field(default_factory=list)


ContactCards = Annotated[list[ContactCard], Meta(min_length=1, max_length=50)]
