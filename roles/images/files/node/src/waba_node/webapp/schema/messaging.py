"""Accepted messages, contacts, media and garbage collection (docs/reference/vendor-contract.md#messages)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from .common import Answer, Problem


class Identifier(Struct, forbid_unknown_fields=True):
    """The id of a message or of a file."""

    id: str


class Accepted(Answer):
    """An accepted message. Webhooks report its outcome."""

    messages: list[Identifier]


class Uploaded(Answer):
    """An uploaded file."""

    media: list[Identifier]


class CheckContacts(Struct):
    """The body of POST /v1/contacts. The maximum number of contacts is our decision."""

    contacts: Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(min_length=1, max_length=1000)]
    blocking: Literal["wait", "no_wait"] = "no_wait"
    force_check: bool = False


class CheckedContact(Struct, forbid_unknown_fields=True):
    """One number. `wa_id` is present if the number is valid."""

    input: str
    status: Literal["processing", "valid", "invalid"]
    wa_id: str | UnsetType = UNSET


class CheckedContacts(Answer):
    """The numbers in the order of the request."""

    contacts: list[CheckedContact]


class IdentityHash(Struct):
    """The body of PUT /v1/contacts/{wa_id}/identity."""

    hash: Annotated[str, Meta(min_length=1, max_length=64)]


class Identity(Struct, forbid_unknown_fields=True):
    """A user's latest identity. `created_timestamp` is when it was first seen, in milliseconds since 1970."""

    hash: str
    created_timestamp: int
    acknowledged: bool


class ContactIdentity(Answer):
    """The identity of one user."""

    contacts: Identity


class Collection(Struct, forbid_unknown_fields=True):
    """A garbage collection."""

    status: Literal["processing", "failed"]
    errors: list[Problem] | UnsetType = UNSET


class NodeCollections(Struct, forbid_unknown_fields=True):
    """The garbage collection of each coreapp, by node name."""

    gc: dict[str, Collection]


class MessageServices(Struct, forbid_unknown_fields=True):
    """The services that concern messages."""

    message: NodeCollections


class MessageCollections(Answer):
    """Garbage collections of messages that have started."""

    services: MessageServices


class OneCollection(Struct, forbid_unknown_fields=True):
    """The garbage collection of the primary master."""

    gc: Collection


class MediaServices(Struct, forbid_unknown_fields=True):
    """The services that concern media."""

    media: OneCollection


class MediaCollection(Answer):
    """A garbage collection of media that has started."""

    services: MediaServices
