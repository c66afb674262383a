"""Uploaded certificates and keys in PEM, validated before they are trusted or served."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)
LARGEST_UPLOAD = 64 << 10  # bytes: a key and many certificates


class PemError(Exception):
    """An upload that cannot be used. The message states the reason and never quotes the upload."""


@dataclass(frozen=True)
class ServerPair:
    """A server's certificate with its issuers, and its key, in PEM."""

    chain: str
    key: str = field(repr=False)


def read_authorities(raw: bytes) -> str:
    """Return the certificates of a PEM text. Raises PemError unless each belongs to a certificate authority."""
    certificates = _read_certificates(raw)
    for certificate in certificates:
        if not _is_authority(certificate):
            raise PemError(f"{_name(certificate)} is not a certificate of a certificate authority")
    return _as_text(certificates)


def read_server_pair(raw: bytes) -> ServerPair:
    """Return the key and the certificates of a PEM text; the server's certificate comes first. Raises PemError."""
    from cryptography.hazmat.primitives import serialization

    certificates = _read_certificates(raw)
    keys = [match[0] for match in BLOCK.finditer(raw) if match[1].endswith(b"PRIVATE KEY")]
    if len(keys) != 1:
        raise PemError(f"exactly one private key is required, {len(keys)} were found")
    try:
        key = serialization.load_pem_private_key(keys[0], None)
    except (ValueError, TypeError) as error:  # TypeError: the key is encrypted
        raise PemError("the private key cannot be read; it must not be encrypted") from error
    if key.public_key() != certificates[0].public_key():
        raise PemError("the private key does not match the first certificate")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return ServerPair(_as_text(certificates), pem.decode())


def issuers(chain: str) -> str:
    """Return the issuers of a chain's first certificate: the other certificates, or the first one if it is alone."""
    from cryptography import x509

    certificates = x509.load_pem_x509_certificates(chain.encode())
    return _as_text(certificates[1:] or certificates)


def _read_certificates(raw: bytes) -> list[Certificate]:
    from cryptography import x509

    if len(raw) > LARGEST_UPLOAD:
        raise PemError(f"the body is larger than {LARGEST_UPLOAD} bytes")
    try:
        certificates = x509.load_pem_x509_certificates(raw)
    except ValueError as error:
        raise PemError("the body contains no certificate in PEM") from error
    now = datetime.datetime.now(datetime.timezone.utc)
    for certificate in certificates:
        if certificate.not_valid_after_utc < now:
            raise PemError(f"{_name(certificate)} expired at {certificate.not_valid_after_utc}")
    return certificates


def _is_authority(certificate: Certificate) -> bool:
    from cryptography import x509

    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _name(certificate: Certificate) -> str:
    return certificate.subject.rfc4514_string()[:100] or "a certificate without a name"


def _as_text(certificates: list[Certificate]) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)
