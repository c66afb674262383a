"""Certificates of a test authority."""

from __future__ import annotations

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
SIGNS_CERTIFICATES = x509.KeyUsage(
    False, False, False, False, False, True, True, False, False
)  # key_cert_sign and crl_sign


class Authority:
    """A certificate authority. `pem`: its certificate. With identified=False, its certificates do not identify keys, as those of old authorities."""

    def __init__(self, name: str, *, identified: bool = True) -> None:
        self.key, self.name = new_key(), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.identified = identified
        certificate = self._builder(self.name, self.key).add_extension(x509.BasicConstraints(True, None), critical=True)
        if identified:
            certificate = certificate.add_extension(SIGNS_CERTIFICATES, critical=True)
        self.pem = pem(certificate.sign(self.key, hashes.SHA256()))

    def _builder(self, subject: x509.Name, key: rsa.RSAPrivateKey, days: int = 1) -> x509.CertificateBuilder:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 2 * DAY)
            .not_valid_after(NOW + days * DAY)
        )
        if not self.identified:
            return builder
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        of_authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return builder.add_extension(own, critical=False).add_extension(of_authority, critical=False)

    def server(self, bits: int = 2048, days: int = 1) -> tuple[bytes, bytes]:
        """Return the certificate and the key of a server at 127.0.0.1, in PEM."""
        key = new_key(bits)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        made = self._builder(subject, key, days).add_extension(names, critical=False).sign(self.key, hashes.SHA256())
        return pem(made), key_pem(key)


def new_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key: rsa.RSAPrivateKey, password: bytes | None = None) -> bytes:
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
