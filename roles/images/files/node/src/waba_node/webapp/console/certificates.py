"""When the certificates that a webapp uses expire."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...store import documents
from .attention import DAY, PROBLEM, certificate_severity

if TYPE_CHECKING:
    from ..process import Webapp


async def read_certificates(webapp: Webapp) -> list[dict[str, Any]]:
    """Return the certificates that this webapp uses or has received. Raises DATABASE_ERRORS."""
    async with webapp.database.begin() as connection:
        authority = await documents.read_document(connection, documents.WEBHOOK_CA)
    return [_described(name, pem) for name, pem in _sources(webapp, authority)]


def _sources(webapp: Webapp, authority: Mapping[str, str]) -> Iterator[tuple[str, str | Path]]:
    """Yield the name of each certificate and its PEM text or file."""
    certificate, database, cloud = webapp.certificate, webapp.config.database, webapp.config.cloud
    if certificate.uploaded:
        yield "API, uploaded", certificate.uploaded["chain"]
    else:
        yield "API, this webapp's own", Path(certificate.folder) / "web.pem"
    if cloud is not None and cloud.webhook_certificate:
        yield "Webhook listener of the Cloud API", Path(cloud.webhook_certificate)
    if authority:
        yield "CA of the webhook receivers", authority["pem"]
    if database.tls_ca:
        yield "CA of the database", Path(database.tls_ca)
    if database.tls_certificate:
        yield "Database client", Path(database.tls_certificate)


def _described(name: str, pem: str | Path) -> dict[str, Any]:
    """Return one certificate: the first of its chain to expire, and whole days until then. A file that cannot be read is a problem."""
    try:
        begin, end = first_validity(pem if isinstance(pem, str) else pem.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        problem = f"cannot be read: {type(error).__name__}"
        return {"name": name, "expires_at": None, "days": None, "severity": PROBLEM, "problem": problem}
    remaining = (end - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
    return {
        "name": name,
        "expires_at": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "days": int(remaining // DAY),
        "severity": certificate_severity(remaining, (end - begin).total_seconds()),
        "problem": "",
    }


def first_validity(pem: str) -> tuple[datetime.datetime, datetime.datetime]:
    """Return when the certificate of a PEM text that expires first begins and ends. Raises ValueError if there is none."""
    from cryptography import x509

    first = min(x509.load_pem_x509_certificates(pem.encode()), key=lambda one: one.not_valid_after_utc)
    return first.not_valid_before_utc, first.not_valid_after_utc
