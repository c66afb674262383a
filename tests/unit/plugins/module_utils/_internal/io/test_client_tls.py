# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import contextlib
import datetime
import ssl
from pathlib import Path

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.client_tls import client_context
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PEM = serialization.Encoding.PEM


@pytest.fixture
def authority(tmp_path: Path) -> tuple[str, str]:
    """The paths of an authority's certificate, and of a server's key and certificate. They do not identify keys, as those of old authorities."""
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in ("authority", "server")]
    keys = [ec.generate_private_key(ec.SECP256R1()) for _name in names]
    extensions = x509.BasicConstraints(True, None), x509.SubjectAlternativeName([x509.DNSName("server.example.com")])
    made = [
        x509.CertificateBuilder(names[0], name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(extension, critical=True)
        .sign(keys[0], hashes.SHA256())
        .public_bytes(PEM)
        for name, key, extension in zip(names, keys, extensions, strict=True)
    ]
    private = keys[1].private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths = tmp_path / "ca.pem", tmp_path / "server.pem"
    paths[0].write_bytes(made[0])
    paths[1].write_bytes(private + made[1])
    return str(paths[0]), str(paths[1])


def connect(client: ssl.SSLContext, certificate: str, name: str) -> str | None:
    """Connect to a server in memory that has this certificate. Return the version of TLS. Raises ssl.SSLError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    caller = client.wrap_bio(to_client, to_server, server_hostname=name)
    server = context.wrap_bio(to_server, to_client, server_side=True)
    for _flight in range(2):
        for side in (caller, server):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    return caller.version()


def test_a_certificate_that_identifies_no_keys_is_accepted(authority: tuple[str, str]) -> None:
    ca, certificate = authority
    assert connect(client_context(ca), certificate, "server.example.com") == "TLSv1.3"


def test_another_name_is_refused(authority: tuple[str, str]) -> None:
    ca, certificate = authority
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        connect(client_context(ca), certificate, "other.example.com")


def test_another_authority_is_refused(authority: tuple[str, str]) -> None:
    _ca, certificate = authority
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer certificate"):
        connect(client_context(None), certificate, "server.example.com")
