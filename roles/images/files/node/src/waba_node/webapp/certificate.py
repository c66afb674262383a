"""The webapp's certificate: an uploaded one, the operator's own, or a self-signed one created at the first start."""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from .tls import front_context, server_context

if TYPE_CHECKING:
    from cryptography.x509 import GeneralName

YEARS = 5  # validity of a self-signed certificate


class ServedCertificate:
    """The certificate for new connections. It can change while the server runs."""

    def __init__(self, folder: str, hostname: str) -> None:
        """Raises as `context_from_folder` does."""
        self.folder = folder
        self.own = self.current = context_from_folder(folder, hostname)
        self.uploaded: dict[str, str] = {}
        self.front = front_context(lambda: self.current)

    def serve(self, uploaded: dict[str, str]) -> bool:
        """Serve an uploaded pair (`chain` and `key`, in PEM), or with {} the container's own. Return whether this is a change.

        Raises ssl.SSLError if the pair cannot be used.
        """
        if uploaded == self.uploaded:
            return False
        self.current = context_from_pem(uploaded["chain"], uploaded["key"]) if uploaded else self.own
        self.uploaded = uploaded
        return True

    def own_chain(self) -> str:
        """Return the certificates in the container, in PEM."""
        return (Path(self.folder) / "web.pem").read_text(encoding="ascii")


def context_from_pem(chain: str, key: str) -> ssl.SSLContext:
    """Return a server's TLS context for a certificate and its key in PEM. Raises ssl.SSLError if they cannot be used."""
    memory = os.memfd_create("certificate")  # OpenSSL loads files only; this one is never on a disk
    try:
        os.write(memory, f"{chain}{key}".encode())
        return _load_context(f"/proc/self/fd/{memory}")
    finally:
        os.close(memory)


def context_from_folder(folder: str, hostname: str) -> ssl.SSLContext:
    """Return the server's TLS context from `web.pem` and `web.key` in a folder. Creates the files if both are missing.

    Raises FileNotFoundError if only one exists, ssl.SSLError if they do not match.
    """
    certificate, key = Path(folder) / "web.pem", Path(folder) / "web.key"
    if not certificate.exists() and not key.exists():
        Path(folder).mkdir(parents=True, exist_ok=True)
        _create_self_signed(certificate, key, hostname)
    return _load_context(certificate, key)


def _load_context(certificate: str | Path, key: Path | None = None) -> ssl.SSLContext:
    tls = server_context()
    tls.load_cert_chain(certificate, key)
    return tls


def _create_self_signed(certificate: Path, key: Path, hostname: str) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hostname[:64])])
    now = datetime.datetime.now(datetime.timezone.utc)
    created = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .add_extension(
            x509.SubjectAlternativeName([_general_name(hostname), x509.DNSName("localhost")]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(
            private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    certificate.write_bytes(created.public_bytes(serialization.Encoding.PEM))


def _general_name(hostname: str) -> GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(hostname))
    except ValueError:
        return x509.DNSName(hostname)
