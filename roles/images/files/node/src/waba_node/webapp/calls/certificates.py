"""Certificates: the CA for webhooks, and the webapps' own certificate (docs/reference/vendor-contract.md#certificates-api).

Our decisions: a coreapp applies a new webhook CA at once, without the restart that the vendor's client needs. An uploaded certificate is stored
in the database, and every webapp serves it within seconds instead of the one in its container.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from aiohttp import web

from ...store.documents import WEB_CERTIFICATE, WEBHOOK_CA
from .. import documents, pem
from ..body import read_body
from ..certificate import context_from_pem
from ..errors import ApiError
from .table import ADMIN, USER, Call, CallTable, RawBody, Result

if TYPE_CHECKING:
    from ..process import Webapp

WEBHOOKS_CA, EXTERNAL = "/v1/certificates/webhooks/ca", "/v1/certificates/external"
PEM = RawBody(("application/x-pem-file",))
UPLOAD = RawBody((*PEM.media_types, "text/plain", "application/octet-stream"))


def pem_response(text: str) -> web.Response:
    """Return certificates as a response."""
    return web.Response(body=text.encode(), content_type=PEM.media_types[0])


async def set_webhook_ca(webapp: Webapp, request: web.Request) -> Result:
    """POST /v1/certificates/webhooks/ca: send webhooks only to receivers with a certificate of this CA (PEM, as the raw body)."""
    try:
        certificates = pem.read_authorities(await read_body(request))
    except pem.PemError as error:
        raise ApiError(1009, str(error)) from error
    await documents.replace(webapp, WEBHOOK_CA, {"pem": certificates})
    return 200, {}


async def read_webhook_ca(webapp: Webapp, _request: web.Request) -> Result:
    """GET /v1/certificates/webhooks/ca: the CA for webhooks, in PEM."""
    content = await documents.read(webapp, WEBHOOK_CA)
    if not content:
        raise ApiError(1006, "no webhook CA is set")
    return pem_response(content["pem"])


async def delete_webhook_ca(webapp: Webapp, _request: web.Request) -> Result:
    """DELETE /v1/certificates/webhooks/ca: send webhooks to receivers with any certificate."""
    await documents.clear(webapp, WEBHOOK_CA)
    return 200, {}


async def set_external(webapp: Webapp, request: web.Request) -> Result:
    """POST /v1/certificates/external: set the webapps' certificate: certificate, issuers and key (PEM, as the raw body)."""
    try:
        pair = pem.read_server_pair(await read_body(request))
        context_from_pem(pair.chain, pair.key)
    except pem.PemError as error:
        raise ApiError(1009, str(error)) from error
    except ssl.SSLError as error:
        raise ApiError(1009, f"the certificate cannot be served: {error.reason}") from error
    await documents.replace(webapp, WEB_CERTIFICATE, {"chain": pair.chain, "key": pair.key})
    return 200, {}


async def read_external_ca(webapp: Webapp, _request: web.Request) -> Result:
    """GET /v1/certificates/external/ca: the issuers of the webapps' certificate, or this webapp's self-signed certificate."""
    content = await documents.read(webapp, WEB_CERTIFICATE)
    return pem_response(pem.issuers(content["chain"] if content else webapp.certificate.own_chain()))


async def delete_external(webapp: Webapp, _request: web.Request) -> Result:
    """DELETE /v1/certificates/external: every webapp serves the certificate in its container again. The call is our addition."""
    await documents.clear(webapp, WEB_CERTIFICATE)
    return 200, {}


CALLS: CallTable = [
    Call("POST", WEBHOOKS_CA, ADMIN, set_webhook_ca, UPLOAD),
    Call("GET", WEBHOOKS_CA, ADMIN, read_webhook_ca, answers={200: PEM}),
    Call("DELETE", WEBHOOKS_CA, ADMIN, delete_webhook_ca),
    Call("POST", EXTERNAL, ADMIN, set_external, UPLOAD),
    Call("DELETE", EXTERNAL, ADMIN, delete_external),
    Call("GET", f"{EXTERNAL}/ca", USER, read_external_ca, answers={200: PEM}),
]
