"""Locations and contact cards (vendor facts, section 2.6; the numbers of entries are bounded by us)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from ..requests import END
from .common import Part, text_type

Name = text_type(256, 0) | None
Entries = Meta(max_length=20)


class Location(Part):
    """A place, in degrees."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    name: text_type(1000, 0) | None = None
    address: text_type(1000, 0) | None = None


class PersonName(Part):
    """The name of a person."""

    formatted_name: text_type(256)
    first_name: Name = None
    last_name: Name = None
    middle_name: Name = None
    prefix: Name = None
    suffix: Name = None


class Address(Part):
    """Where a person can be found."""

    street: Name = None
    city: Name = None
    state: Name = None
    zip: Name = None
    country: Name = None
    country_code: Name = None
    type: Name = None


class Email(Part):
    """An e-mail address."""

    email: Name = None
    type: Name = None


class Organization(Part):
    """Where a person works."""

    company: Name = None
    department: Name = None
    title: Name = None


class Phone(Part):
    """A telephone number. wa_id: its WhatsApp ID."""

    phone: Name = None
    type: Name = None
    wa_id: Name = None


class Url(Part):
    """A web address."""

    url: text_type(2048, 0) | None = None
    type: Name = None


class ContactCard(Part):
    """A person."""

    name: PersonName
    birthday: Annotated[str, Meta(pattern=rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{END}")] | None = None
    addresses: Annotated[list[Address], Entries] = field(default_factory=list)
    emails: Annotated[list[Email], Entries] = field(default_factory=list)
    org: Organization | None = None
    phones: Annotated[list[Phone], Entries] = field(default_factory=list)
    urls: Annotated[list[Url], Entries] = field(default_factory=list)


ContactCards = Annotated[list[ContactCard], Meta(min_length=1, max_length=50)]
