"""Checks of phone numbers, and identities (docs/reference/vendor-contract.md#contacts).

Since version 2.43 the vendor's service reports every number as valid, whether or not it has an account. The upstream decides whether a number
is valid; the node only caches its answer.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ...address import PortName
from ...store import contacts
from ..errors import ApiError
from ..message import is_user_id
from ..schema.messaging import CheckContacts, CheckedContacts, ContactIdentity, IdentityHash
from .table import USER, Call, CallTable, JsonBody, Result

if TYPE_CHECKING:
    from ..process import Webapp

TIMEOUT = 20.0  # seconds for a check that the client waits for


def digits_of(number: str) -> str | None:
    """Return the digits of a phone number with its country code, None if the text is not a phone number.

    Spaces, `-.()/` and a leading `+` or `00` are accepted.
    """
    match = re.fullmatch(r"\s*(?:\+|00)?([0-9][0-9\s.()/-]*|\([0-9][0-9\s.()/-]*)", number, re.ASCII)
    digits = re.sub(r"[^0-9]", "", match[1]) if match else ""
    return digits if 5 <= len(digits) <= 15 and not digits.startswith("0") else None


async def check_contacts(webapp: Webapp, _request: web.Request, body: CheckContacts) -> Result:
    """POST /v1/contacts: check which numbers have a WhatsApp ID. Results are cached for 7 days.

    Without blocking, unknown numbers are reported as `processing`; repeat the call for the result. A text that is not a phone number is
    `invalid`.
    """
    digits = {given: digits_of(given) for given in body.contacts}
    numbers = sorted({number for number in digits.values() if number})
    known: dict[str, str | None] = {}
    if numbers and not body.force_check:
        known = await webapp.database.run(lambda connection: contacts.read_checked_numbers(connection, numbers))
    unknown = [number for number in numbers if number not in known]
    groups = await webapp.router.group_by_shard(unknown) if unknown else []
    wait = body.blocking == "wait"
    for wa_ids in await asyncio.gather(*(_check_at_owner(webapp, group, wait) for group in groups)):
        known |= wa_ids
    return 200, {"contacts": [_checked_contact(given, digits[given], known) for given in body.contacts]}


async def _check_at_owner(webapp: Webapp, numbers: list[str], wait: bool) -> dict[str, str | None]:
    """Check numbers of one shard. Return number -> WhatsApp ID; empty without waiting."""
    content = {"numbers": numbers, "wait": wait}
    answer = await webapp.router.call_owner(numbers[0], PortName.CONTACTS, "contacts.check", content, TIMEOUT)
    wa_ids: dict[str, str | None] = answer["wa_ids"]
    return wa_ids


def _checked_contact(given: str, number: str | None, known: dict[str, str | None]) -> dict[str, Any]:
    if number is not None and number not in known:
        return {"input": given, "status": "processing"}
    wa_id = known[number] if number is not None else None
    return {"input": given, "status": "valid", "wa_id": wa_id} if wa_id else {"input": given, "status": "invalid"}


def _wa_id_in_path(webapp: Webapp, request: web.Request) -> str:
    """Return the WhatsApp ID in the path. Raises ApiError 1009."""
    wa_id = request.match_info["wa_id"]
    if digits_of(wa_id) != wa_id and not (webapp.config.cloud is not None and is_user_id(wa_id)):
        raise ApiError(1009, "a WhatsApp ID consists of 5 to 15 digits")
    return wa_id


async def read_identity(webapp: Webapp, request: web.Request) -> Result:
    """GET /v1/contacts/{wa_id}/identity: the hash of a user's latest identity, and whether it was acknowledged."""
    wa_id = _wa_id_in_path(webapp, request)
    identity = await webapp.router.call_owner(wa_id, PortName.CONTACTS, "contacts.identity", {"wa_id": wa_id})
    return 200, {"contacts": identity}


async def acknowledge_identity(webapp: Webapp, request: web.Request, body: IdentityHash) -> Result:
    """PUT /v1/contacts/{wa_id}/identity: acknowledge a user's latest identity by its hash."""
    async with webapp.database.begin() as connection:
        acknowledged = await contacts.acknowledge_identity(connection, _wa_id_in_path(webapp, request), body.hash)
    if acknowledged is None:
        raise ApiError(1006, "no identity of this user is known")
    if not acknowledged:
        raise ApiError(1009, "the hash is not that of the latest identity")
    return 200, {}


CALLS: CallTable = [
    Call("POST", "/v1/contacts", USER, check_contacts, JsonBody(CheckContacts), {200: CheckedContacts}),
    Call("GET", "/v1/contacts/{wa_id}/identity", USER, read_identity, answers={200: ContactIdentity}),
    Call("PUT", "/v1/contacts/{wa_id}/identity", USER, acknowledge_identity, JsonBody(IdentityHash)),
]
