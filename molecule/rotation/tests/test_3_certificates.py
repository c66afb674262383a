"""A certificate that is replaced on the host, under traffic."""

from __future__ import annotations

import datetime
import json
import ssl
from pathlib import Path

from conftest import SETTINGS, Cluster, play
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flow import Flow
from plays import changed

PORTS = [webapp["port"] for webapp in SETTINGS["waba_webapp_instances"]]


def certify(folder: Path, days: int) -> None:
    """Write a self-signed certificate, a year old, and its key, as an operator replaces them."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]),
    )
    now, number = datetime.datetime.now(datetime.timezone.utc), x509.random_serial_number()
    valid = now - datetime.timedelta(days=365), now + datetime.timedelta(days=days)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), number, *valid).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for path, content in (("api.key", private), ("api.pem", certificate.public_bytes(pem))):
        (folder / f"{path}.new").write_bytes(content)
        (folder / f"{path}.new").replace(folder / path)


def served() -> set[str]:
    return {ssl.get_server_certificate(("127.0.0.1", port)).strip() for port in PORTS}


def test_replaced_certificate_of_the_api_comes_into_use_without_an_outage(
    cluster: Cluster, flow: Flow, tmp_path: Path
) -> None:
    paths = {
        "waba_webapp_certificate": str(tmp_path / "api.pem"),
        "waba_webapp_certificate_key": str(tmp_path / "api.key"),
    }
    arguments = ("-e", json.dumps({"waba_rotate": [], **paths}))
    certify(tmp_path, 10)
    assert changed(play("rotate_secrets.yml", *arguments)) > 0
    first = served()
    former = set(cluster.started().items())
    certify(tmp_path, 400)
    with flow:
        assert changed(play("rotate_secrets.yml", *arguments)) > 0
    assert flow.refused == []
    assert served() == {(tmp_path / "api.pem").read_text(encoding="ascii").strip()} != first
    assert len(set(cluster.started().items()) - former) == 2, "only the webapps are replaced"
    status = play("status.yml", *arguments[:1], json.dumps(paths))
    assert "waba_webapp_certificate" in status.stdout
    assert changed(play("rotate_secrets.yml", *arguments)) == 0
    # Back to the settings of the inventory.
    assert changed(play("rotate_secrets.yml", "-e", json.dumps({"waba_rotate": []}))) > 0


def test_certificate_that_expires_soon_is_a_warning_of_preflight(tmp_path: Path) -> None:
    certify(tmp_path, 10)
    paths = {
        "waba_webapp_certificate": str(tmp_path / "api.pem"),
        "waba_webapp_certificate_key": str(tmp_path / "api.key"),
    }
    result = play("preflight.yml", "-e", json.dumps(paths))
    assert result.returncode == 0, result.stdout
    assert "it expires in 9 day(s)" in result.stdout or "it expires in 10 day(s)" in result.stdout
