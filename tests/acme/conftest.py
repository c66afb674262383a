"""A real ACME server, and a control node with the inventory of two hosts that use it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pebble import Pebble, ReverseProxy, free_port
from plays import Result, run_playbook

PLAYBOOK = "renew_certificates.yml"
HERE = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
TOKEN = "dns-token-0815-4711"
# What a DNS provider does: it writes the record, for the one who has the token.
HOOK = """#!/bin/sh -eu
[ "$DNS_TOKEN" = {token} ]
host="\\"host\\": \\"$2\\""
case $1 in
present) curl -fsS -d "{{$host, \\"value\\": \\"$3\\"}}" http://{management}/set-txt;;
cleanup) curl -fsS -d "{{$host}}" http://{management}/clear-txt;;
esac
"""


class Control:
    """A control node with the inventory of two hosts with webapps, one of which has the database; both are this machine."""

    def __init__(self, folder: Path, pebble: Pebble, http_address: str) -> None:
        self.folder, self.inventory, self.store = folder, folder / "inventory", folder / "inventory" / ".waba-acme"
        (self.inventory / "group_vars" / "all").mkdir(parents=True)
        here = {name: {**HERE, "waba_external_hostname": f"{name}.example"} for name in ("one", "two")}
        both: dict[str, Any] = {"hosts": {"one": {}, "two": {}}}
        groups = {f"waba_{part}": both for part in ("masters", "coreapps", "webapps")}
        hosts = {"all": {"hosts": here, "children": {**groups, "waba_mysql": {"hosts": {"one": {}}}}}}
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump(hosts), encoding="utf-8")
        hook = folder / "hook"
        hook.write_text(HOOK.format(token=TOKEN, management=pebble.management), encoding="ascii")
        hook.chmod(0o755)
        files = f"{folder}/{{{{ inventory_hostname }}}}"
        self.write(
            waba_dir=f"{folder}/not-deployed",
            waba_acme_directory=pebble.directory,
            waba_acme_ca=pebble.ca,
            waba_acme_email="ops@example.com",
            waba_acme_accept_terms=True,
            waba_acme_http_address=http_address,
            waba_acme_certificates={"waba_webapp_certificate": ["api.example.com"]},
            waba_webapp_certificate=f"{files}/api.pem",
            waba_webapp_certificate_key=f"{files}/api.key",
            waba_mysql_certificate=f"{files}/db.pem",
            waba_mysql_certificate_key=f"{files}/db.key",
        )
        self.dns = {
            "waba_acme_challenge": "dns-01",
            "waba_acme_dns_provider": "exec",
            "waba_acme_dns_environment": {"EXEC_PATH": str(hook), "DNS_TOKEN": TOKEN, "EXEC_SEQUENCE_INTERVAL": 1},
            "waba_acme_dns_check": False,  # the stand-in for the DNS has no zones
        }

    def write(self, **settings: Any) -> None:
        """Write or change settings of the inventory."""
        file = self.inventory / "group_vars" / "all" / "settings.yml"
        former = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
        file.write_text(yaml.safe_dump({**former, **settings}), encoding="utf-8")

    def renew(self, *arguments: str, **settings: Any) -> Result:
        """Run the playbook. settings: for this run alone, on the command line."""
        given = ["-e", json.dumps(settings)] if settings else []
        return run_playbook(self.inventory, f"playbooks/{PLAYBOOK}", *arguments, *given)

    def bundle(self) -> Path:
        """Return the one stored certificate."""
        (found,) = self.store.glob("*.pem")
        return found

    def certificate(self, host: str = "one", name: str = "api") -> x509.Certificate:
        """Return the certificate of a host, whose key must belong to it and be protected."""
        certificate, key = (self.folder / host / f"{name}.{kind}" for kind in ("pem", "key"))
        assert key.stat().st_mode & 0o777 == 0o600
        return paired(certificate.read_bytes(), key.read_bytes())


def paired(certificate: bytes, key: bytes) -> x509.Certificate:
    """Return the first certificate of a PEM text; it must belong to the key, and its chain must follow."""
    chain = x509.load_pem_x509_certificates(certificate)
    assert len(chain) == 2
    assert chain[0].public_key() == load_pem_private_key(key, None).public_key()
    return chain[0]


@pytest.fixture(scope="session")
def http_address() -> str:
    """Where lego listens."""
    return f"127.0.0.1:{free_port()}"


@pytest.fixture(scope="session")
def pebble(tmp_path_factory: pytest.TempPathFactory, http_address: str) -> Iterator[Pebble]:
    proxy = ReverseProxy(http_address)
    server = Pebble(tmp_path_factory.mktemp("pebble"), proxy.port)
    yield server
    server.stop()
    proxy.server.shutdown()


@pytest.fixture
def control(tmp_path: Path, pebble: Pebble, http_address: str) -> Control:
    return Control(tmp_path, pebble, http_address)
