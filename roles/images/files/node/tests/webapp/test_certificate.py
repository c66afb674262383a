from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509
from waba_node.webapp import certificate


@pytest.mark.parametrize(("hostname", "kind"), [("api.example", x509.DNSName), ("10.1.2.3", x509.IPAddress)])
def test_first_start_creates_a_certificate_for_the_hostname_and_later_starts_use_it(
    tmp_path: Path, hostname: str, kind: type
) -> None:
    certificate.context_from_folder(str(tmp_path), hostname)
    pem, key = tmp_path / "web.pem", tmp_path / "web.key"
    names = x509.load_pem_x509_certificate(pem.read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert hostname in map(str, names.value.get_values_for_type(kind))
    assert "localhost" in names.value.get_values_for_type(x509.DNSName)
    assert key.stat().st_mode & 0o777 == 0o600
    before = pem.read_bytes(), key.read_bytes()
    tls = certificate.context_from_folder(str(tmp_path), hostname)
    assert (pem.read_bytes(), key.read_bytes()) == before
    assert tls.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_key_without_certificate_is_refused_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "web.key").write_text("the operator's own")
    with pytest.raises(OSError, match=r"."):
        certificate.context_from_folder(str(tmp_path), "api.example")
    assert (tmp_path / "web.key").read_text() == "the operator's own"
