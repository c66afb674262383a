"""Certificates: whom the webhooks trust, and the webapps' own (vendor facts, section 2.11).

Ours: a coreapp follows a new webhook CA at once, without the restart that the vendor's needs. An own certificate lies in the database, from
where every webapp takes it within seconds; it takes the place of the one in the container until it is deleted.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from aiohttp import web

from ...store.documents import WEB_CERTIFICATE, WEBHOOK_CA
from .. import pem
from ..certificate import of_pair
from ..errors import ApiError
from ..requests import read_body
from . import documents
from .table import ADMIN, USER, Call, CallTable, RawBody

if TYPE_CHECKING:
    from ..process import Webapp

WEBHOOKS_CA, EXTERNAL = "/v1/certificates/webhooks/ca", "/v1/certificates/external"
PEM = RawBody(("application/x-pem-file",))
SENT = RawBody((*PEM.media_types, "text/plain", "application/octet-stream"))


def as_pem(text: str) -> web.Response:
    """Return certificates as an answer."""
    return web.Response(body=text.encode(), content_type=PEM.media_types[0])


async def set_webhook_ca(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """POST /v1/certificates/webhooks/ca: webhooks are sent only where the certificate stems from these (PEM, as the raw body)."""
    try:
        certificates = pem.authorities(await read_body(request))
    except pem.PemError as error:
        raise ApiError(1009, str(error)) from error
    await documents.put(webapp, WEBHOOK_CA, {"pem": certificates})
    return 200, {}


async def read_webhook_ca(webapp: Webapp, _request: web.Request) -> web.Response:
    """GET /v1/certificates/webhooks/ca: whom webhooks trust, in PEM."""
    content = await documents.kept(webapp, WEBHOOK_CA)
    if not content:
        raise ApiError(1006, "there is no webhook CA")
    return as_pem(content["pem"])


async def delete_webhook_ca(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """DELETE /v1/certificates/webhooks/ca: webhooks are sent again, whatever the receiver's certificate is."""
    await documents.remove(webapp, WEBHOOK_CA)
    return 200, {}


async def set_external(webapp: Webapp, request: web.Request) -> tuple[int, dict]:
    """POST /v1/certificates/external: the webapps' own certificate with what it stems from and its key (PEM, as the raw body)."""
    try:
        pair = pem.server_pair(await read_body(request))
        of_pair(pair.chain, pair.key)
    except pem.PemError as error:
        raise ApiError(1009, str(error)) from error
    except ssl.SSLError as error:
        raise ApiError(1009, f"the certificate cannot be served: {error.reason}") from error
    await documents.put(webapp, WEB_CERTIFICATE, {"chain": pair.chain, "key": pair.key})
    return 200, {}


async def read_external_ca(webapp: Webapp, _request: web.Request) -> web.Response:
    """GET /v1/certificates/external/ca: what the webapps' certificate stems from, or this webapp's self-signed one."""
    content = await documents.kept(webapp, WEB_CERTIFICATE)
    return as_pem(pem.issuers(content["chain"] if content else webapp.certificate.own_chain()))


async def delete_external(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """DELETE /v1/certificates/external: every webapp goes back to the certificate in its container (the call is ours)."""
    await documents.remove(webapp, WEB_CERTIFICATE)
    return 200, {}


CALLS: CallTable = [
    Call("POST", WEBHOOKS_CA, ADMIN, set_webhook_ca, SENT),
    Call("GET", WEBHOOKS_CA, ADMIN, read_webhook_ca, answers={200: PEM}),
    Call("DELETE", WEBHOOKS_CA, ADMIN, delete_webhook_ca),
    Call("POST", EXTERNAL, ADMIN, set_external, SENT),
    Call("DELETE", EXTERNAL, ADMIN, delete_external),
    Call("GET", f"{EXTERNAL}/ca", USER, read_external_ca, answers={200: PEM}),
]
