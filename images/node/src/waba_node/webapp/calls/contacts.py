"""Checking numbers before they are written to (vendor facts, section 2.7).

Since v2.43 the vendor's service calls every number valid, whether or not it has an account, so a client should not conclude from `valid` that
somebody is there. What a number is, the upstream says; the node only caches it.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from aiohttp import web

from ...address import PortName
from ...store import contacts
from ..answers import CheckedContacts, ContactIdentity
from ..errors import ApiError
from ..requests import CheckContacts, IdentityHash
from .table import USER, Call, CallTable, JsonBody

if TYPE_CHECKING:
    from ..process import Webapp

TIMEOUT = 20.0  # seconds for a check that somebody waits for


def digits_of(number: str) -> str | None:
    """Return a telephone number's digits with its country code, or None for what cannot be one.

    It may be written in any usual way (vendor fact): spaces, `-.()/`, a leading `+` or `00`.
    """
    match = re.fullmatch(r"\s*(?:\+|00)?([0-9][0-9\s.()/-]*|\([0-9][0-9\s.()/-]*)", number, re.ASCII)
    digits = re.sub(r"[^0-9]", "", match[1]) if match else ""
    return digits if 5 <= len(digits) <= 15 and not digits.startswith("0") else None


async def check_contacts(webapp: Webapp, _request: web.Request, body: CheckContacts) -> tuple[int, dict]:
    """POST /v1/contacts: tell which numbers have a WhatsApp ID; what was checked within 7 days is not checked again.

    Without blocking, numbers that are not known yet are `processing`: ask again. What is no telephone number is `invalid` (ours).
    """
    digits = {given: digits_of(given) for given in body.contacts}
    numbers = sorted({number for number in digits.values() if number})
    known: dict[str, str | None] = {}
    if numbers and not body.force_check:
        async with webapp.database.begin() as connection:
            known = await contacts.cached(connection, numbers)
    unknown = [number for number in numbers if number not in known]
    groups = await webapp.router.by_shard(unknown) if unknown else []
    wait = body.blocking == "wait"
    for answer in await asyncio.gather(*(ask(webapp, group, wait) for group in groups)):
        known |= answer["wa_ids"]
    return 200, {"contacts": [contact(given, digits[given], known) for given in body.contacts]}


async def ask(webapp: Webapp, numbers: list[str], wait: bool) -> dict:
    content = {"numbers": numbers, "wait": wait}
    return await webapp.router.to_owner(numbers[0], PortName.CONTACTS, "contacts.check", content, TIMEOUT)


def contact(given: str, number: str | None, known: dict[str, str | None]) -> dict:
    if number is not None and number not in known:
        return {"input": given, "status": "processing"}
    wa_id = known[number] if number is not None else None
    return {"input": given, "status": "valid", "wa_id": wa_id} if wa_id else {"input": given, "status": "invalid"}


def wa_id_of(request: web.Request) -> str:
    wa_id = request.match_info["wa_id"]
    if digits_of(wa_id) != wa_id:
        raise ApiError(1009, "a WhatsApp ID has digits alone")
    return wa_id


async def read_identity(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """GET /v1/contacts/{wa_id}/identity: the hash of a user's latest identity, and whether it was acknowledged."""
    wa_id = wa_id_of(request)
    identity = await webapp.router.to_owner(wa_id, PortName.CONTACTS, "contacts.identity", {"wa_id": wa_id})
    return 200, {"contacts": identity}


async def acknowledge_identity(webapp: Webapp, request: web.Request, body: IdentityHash) -> tuple[int, dict]:
    """PUT /v1/contacts/{wa_id}/identity: acknowledge a user's latest identity, by its hash."""
    async with webapp.database.begin() as connection:
        acknowledged = await contacts.acknowledge_identity(connection, wa_id_of(request), body.hash)
    if acknowledged is None:
        raise ApiError(1006, "no identity of this user was seen yet")
    if not acknowledged:
        raise ApiError(1009, "the hash is not the latest one")
    return 200, {}


CALLS: CallTable = [
    Call("POST", "/v1/contacts", USER, check_contacts, JsonBody(CheckContacts), {200: CheckedContacts}),
    Call("GET", "/v1/contacts/{wa_id}/identity", USER, read_identity, answers={200: ContactIdentity}),
    Call("PUT", "/v1/contacts/{wa_id}/identity", USER, acknowledge_identity, JsonBody(IdentityHash)),
]
