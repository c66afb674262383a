"""Certificates and keys that clients upload, checked before anything trusts or serves them."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)
LARGEST = 64 << 10  # bytes: many certificates, and one key


class PemError(Exception):
    """What was uploaded cannot be used; the message says why and never quotes it."""


@dataclass(frozen=True)
class ServerPair:
    """A server's certificate, what it stems from, and its key, all in PEM."""

    chain: str
    key: str = field(repr=False)


def authorities(raw: bytes) -> str:
    """Return the certificates of a PEM text, each of a certificate authority. Raises PemError."""
    certificates = _certificates(raw)
    for certificate in certificates:
        if not _is_authority(certificate):
            raise PemError(f"{_name(certificate)} is no certificate of a certificate authority")
    return _text(certificates)


def server_pair(raw: bytes) -> ServerPair:
    """Return a server's certificate, which comes first, with its key. Raises PemError."""
    from cryptography.hazmat.primitives import serialization

    certificates = _certificates(raw)
    keys = [match[0] for match in BLOCK.finditer(raw) if match[1].endswith(b"PRIVATE KEY")]
    if len(keys) != 1:
        raise PemError(f"exactly one private key is needed, there are {len(keys)}")
    try:
        key = serialization.load_pem_private_key(keys[0], None)
    except (ValueError, TypeError) as error:  # TypeError: it is encrypted
        raise PemError("the private key cannot be read; it must not be encrypted") from error
    if key.public_key() != certificates[0].public_key():
        raise PemError("the private key is not that of the first certificate")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return ServerPair(_text(certificates), pem.decode())


def issuers(chain: str) -> str:
    """Return what the first certificate of a chain stems from: the others, or itself when it is alone."""
    from cryptography import x509

    certificates = x509.load_pem_x509_certificates(chain.encode())
    return _text(certificates[1:] or certificates)


def _certificates(raw: bytes) -> list[Certificate]:
    from cryptography import x509

    if len(raw) > LARGEST:
        raise PemError(f"more than {LARGEST} bytes")
    try:
        certificates = x509.load_pem_x509_certificates(raw)
    except ValueError as error:
        raise PemError("the body is no certificate in PEM") from error
    now = datetime.datetime.now(datetime.timezone.utc)
    for certificate in certificates:
        if certificate.not_valid_after_utc < now:
            raise PemError(f"{_name(certificate)} is not valid any more since {certificate.not_valid_after_utc}")
    return certificates


def _is_authority(certificate: Certificate) -> bool:
    from cryptography import x509

    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _name(certificate: Certificate) -> str:
    return certificate.subject.rfc4514_string()[:100] or "a certificate without a name"


def _text(certificates: list[Certificate]) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)
