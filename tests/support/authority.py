"""A certificate authority for tests."""

from __future__ import annotations

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SIGNS_CERTIFICATES = x509.KeyUsage(
    False, False, False, False, False, True, True, False, False
)  # key_cert_sign and crl_sign


class Authority:
    """Signs certificates. folder: the folder of their files. With identified=False, they do not identify keys, as those of old authorities."""

    def __init__(self, folder: Path, name: str, *, identified: bool = True) -> None:
        self.identified = identified
        self.folder, self.name = folder, x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._builder(self.name, self.key).add_extension(x509.BasicConstraints(True, 0), True)
        if identified:
            certificate = certificate.add_extension(SIGNS_CERTIFICATES, True)
        self.ca = self._write(f"{name}-ca.pem", certificate.sign(self.key, hashes.SHA256()))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now, number = datetime.datetime.now(datetime.timezone.utc), x509.random_serial_number()
        valid = now - datetime.timedelta(days=1), now + datetime.timedelta(days=1)
        builder = x509.CertificateBuilder(self.name, subject, key.public_key(), number, *valid)
        if not self.identified:
            return builder
        of_authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        return builder.add_extension(own, False).add_extension(of_authority, False)

    def _write(self, name: str, certificate: x509.Certificate) -> str:
        path = self.folder / name
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return str(path)

    def sign(self, *names: x509.GeneralName) -> tuple[str, str]:
        """Return the paths of a certificate for these names and of its key, which has mode 0600."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(x509.Name([]), key).add_extension(x509.SubjectAlternativeName(names), True)
        certificate = self._write("server.pem", builder.sign(self.key, hashes.SHA256()))
        path = self.folder / "server.key"
        encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        path.write_bytes(key.private_bytes(*encoding))
        path.chmod(0o600)
        return certificate, str(path)
