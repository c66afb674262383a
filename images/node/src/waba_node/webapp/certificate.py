"""The webapp's certificate: one that was uploaded, the operator's own, or a self-signed one made at the first start."""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
from pathlib import Path

YEARS = 5


class Served:
    """The certificate that new connections get; it can be another one while the server runs."""

    def __init__(self, folder: str, hostname: str) -> None:
        """Raises as `context` does."""
        self.folder = folder
        self.own = self.current = context(folder, hostname)
        self.uploaded: dict = {}
        # One context keeps a certificate for each kind of key, so that a second one might not be taken: hence one context each.
        self.front = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.front.minimum_version = ssl.TLSVersion.TLSv1_2
        self.front.sni_callback = self._choose  # called for clients that name no server, too

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self.current

    def serve(self, uploaded: dict) -> bool:
        """Serve an uploaded pair (chain and key, in PEM), or with {} the container's own. Return whether that is a change.

        Raises ssl.SSLError when the pair cannot be used.
        """
        if uploaded == self.uploaded:
            return False
        self.current = of_pair(uploaded["chain"], uploaded["key"]) if uploaded else self.own
        self.uploaded = uploaded
        return True

    def own_chain(self) -> str:
        """Return the certificates in the container, in PEM."""
        return (Path(self.folder) / "web.pem").read_text(encoding="ascii")


def of_pair(chain: str, key: str) -> ssl.SSLContext:
    """Return a server's context for a certificate and its key, both in PEM. Raises ssl.SSLError when they cannot be used."""
    memory = os.memfd_create("certificate")  # only files can be loaded; this one is on no disk
    try:
        os.write(memory, f"{chain}{key}".encode())
        return _context(f"/proc/self/fd/{memory}")
    finally:
        os.close(memory)


def context(folder: str, hostname: str) -> ssl.SSLContext:
    """Return the server's TLS context from `web.pem` and `web.key` in a folder; makes them when neither is there.

    Raises FileNotFoundError when only one is there, ssl.SSLError when they do not fit.
    """
    certificate, key = Path(folder) / "web.pem", Path(folder) / "web.key"
    if not certificate.exists() and not key.exists():
        Path(folder).mkdir(parents=True, exist_ok=True)
        _make(certificate, key, hostname)
    return _context(certificate, key)


def _context(certificate: str | Path, key: Path | None = None) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.load_cert_chain(certificate, key)
    return tls


def _make(certificate: Path, key: Path, hostname: str) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hostname[:64])])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectAlternativeName([_general(hostname), x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(
            private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _general(hostname: str):
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(hostname))
    except ValueError:
        return x509.DNSName(hostname)
