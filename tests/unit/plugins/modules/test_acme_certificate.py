# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""With a stand-in for lego. tests/acme runs the real one with a real ACME server."""

from __future__ import annotations

import datetime
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.certificates import acme
from ansible_collections.waba.cluster.plugins.modules import acme_certificate
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Run = Callable[..., dict[str, Any]]
TOKEN = "dns-token-0815"
# Writes what it was called with, the account, and a certificate that the test has prepared.
LEGO = r"""#!/bin/sh
here=$(dirname "$0")
case $1 in
--help) cat "$here/help"; exit 0;;
dnshelp) [ "$3" = exec ]; exit;;
esac
echo "$*" >>"$here/calls"
echo "TOKEN=$TOKEN CA=$LEGO_CA_CERTIFICATES" >>"$here/environment"
mkdir -p "$2/accounts/acme.example/ops/keys" "$2/certificates"
ls "$2/accounts/acme.example/ops" >>"$here/accounts"
echo account >"$2/accounts/acme.example/ops/account.json"
if [ -e "$here/refuses" ]; then echo "2026/11/29 06:08:42 acme: error: 403 :: no: $TOKEN"; exit 1; fi
cp "$here/new.crt" "$2/certificates/api.example.com.crt"
cp "$here/new.crt" "$2/certificates/api.example.com.issuer.crt"
cp "$here/new.key" "$2/certificates/api.example.com.key"
"""


class Client:
    """A stand-in for lego: a folder with the program and what it records."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "help").write_text("\n".join(acme.LEGO_OPTIONS), encoding="ascii")
        (folder / "lego").write_text(LEGO, encoding="ascii")
        (folder / "lego").chmod(0o755)
        self.prepare(90)

    def prepare(self, days: int) -> None:
        """Prepare a certificate that is one day old, and valid for some days more."""
        key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
        now = datetime.datetime.now(datetime.timezone.utc)
        valid = now - datetime.timedelta(days=1), now + datetime.timedelta(days=days)
        signed = x509.CertificateBuilder(name, name, key.public_key(), 7, *valid).sign(key, hashes.SHA256())
        pem = serialization.Encoding.PEM
        private = key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
        (self.folder / "new.crt").write_bytes(signed.public_bytes(pem))
        (self.folder / "new.key").write_bytes(private)

    def recorded(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text(encoding="ascii").splitlines() if file.exists() else []


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Client(tmp_path)


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    return {
        "names": ["api.example.com"],
        "folder": str(tmp_path / "store"),
        "directory": "https://acme.example/directory",
        "email": "ops@example.com",
        "accept_terms": True,
    }


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}


def test_missing_certificate_is_obtained_once(run: Run, client: Client, options: dict[str, Any]) -> None:
    first = run(acme_certificate, **options)
    assert (first["changed"], first["reason"]) == (True, "there is none yet")
    stored = Path(first["path"]).read_text(encoding="ascii")
    assert acme.split(stored) == tuple((client.folder / f"new.{one}").read_text("ascii") for one in ("crt", "key"))
    second = run(acme_certificate, **options)
    assert (second["changed"], second["reason"], second["expires"]) == (False, "", first["expires"])
    assert len(client.recorded("calls")) == 1


def test_store_is_readable_by_its_user_only_and_not_for_git(run: Run, client: Client, options: dict[str, Any]) -> None:
    run(acme_certificate, **options)
    store = Path(options["folder"])
    assert (stat.S_IMODE(store.stat().st_mode), modes(store)) == (0o700, {0o600})
    assert (store / ".gitignore").read_text(encoding="ascii") == "*\n"
    assert not (store / ".lego").exists()


def test_certificate_near_its_expiry_is_renewed_with_the_same_account(
    run: Run, client: Client, options: dict[str, Any]
) -> None:
    client.prepare(0)
    run(acme_certificate, **options)
    client.prepare(90)
    renewed = run(acme_certificate, **options)
    assert renewed["reason"].startswith("the present one expire")
    assert client.recorded("accounts") == ["keys", "account.json", "keys"]
    assert not run(acme_certificate, **options)["changed"]


def test_check_mode_calls_no_server_and_writes_nothing(run: Run, client: Client, options: dict[str, Any]) -> None:
    answer = run(acme_certificate, check_mode=True, **options)
    assert (answer["changed"], answer["reason"]) == (True, "there is none yet")
    assert client.recorded("calls") == []
    assert not Path(options["folder"]).exists()


def test_secrets_of_the_dns_provider_are_in_the_environment_only(
    run: Run, client: Client, options: dict[str, Any]
) -> None:
    (client.folder / "refuses").touch()
    (client.folder / "ca.pem").touch()
    dns = {"challenge": "dns-01", "dns_provider": "exec", "dns_environment": {"TOKEN": TOKEN}}
    answer = run(acme_certificate, **options, **dns, ca=str(client.folder / "ca.pem"))
    assert client.recorded("environment") == [f"TOKEN={TOKEN} CA={client.folder}/ca.pem"]
    assert TOKEN not in " ".join(client.recorded("calls"))
    assert TOKEN not in str(answer)
    assert answer["msg"].startswith("The certificate of api.example.com was not obtained: acme: error: 403 :: no: ***")


def test_values_of_the_dns_provider_are_not_masked_in_the_path(
    run: Run, client: Client, options: dict[str, Any]
) -> None:
    values = {"TTL": 1, "USER_NAME": client.folder.name, "TOKEN": TOKEN}
    answer = run(acme_certificate, **options, challenge="dns-01", dns_provider="exec", dns_environment=values)
    assert Path(answer["path"]).is_file()
    assert TOKEN not in str(answer)


def test_short_value_of_the_dns_provider_is_not_masked_in_a_reason(
    run: Run, client: Client, options: dict[str, Any]
) -> None:
    (client.folder / "refuses").touch()
    values = {"TTL": 3, "TOKEN": TOKEN}
    answer = run(acme_certificate, **options, challenge="dns-01", dns_provider="exec", dns_environment=values)
    assert "acme: error: 403 :: no: ***" in answer["msg"]
    assert TOKEN not in str(answer)


def test_account_of_a_refused_request_is_used_again(run: Run, client: Client, options: dict[str, Any]) -> None:
    (client.folder / "refuses").touch()
    assert "msg" in run(acme_certificate, **options)
    (client.folder / "refuses").unlink()
    assert run(acme_certificate, **options)["changed"]
    assert client.recorded("accounts") == ["keys", "account.json", "keys"]


def test_leftovers_of_a_killed_run_are_removed(run: Run, client: Client, options: dict[str, Any]) -> None:
    scratch = Path(options["folder"]) / ".lego" / "certificates"
    scratch.mkdir(parents=True)
    (scratch / "other.example.key").touch()
    assert run(acme_certificate, **options)["changed"]
    assert not scratch.exists()


def test_half_written_certificate_is_obtained_again(run: Run, client: Client, options: dict[str, Any]) -> None:
    path = Path(run(acme_certificate, **options)["path"])
    path.write_text(path.read_text(encoding="ascii")[:500], encoding="ascii")
    assert run(acme_certificate, **options)["reason"].startswith("the stored one cannot be used")
    assert not run(acme_certificate, **options)["changed"]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ca": "/nowhere/ca.pem"}, "waba_acme_ca: /nowhere/ca.pem cannot be read on the control node"),
        (
            {"challenge": "dns-01", "dns_provider": "nonsense"},
            "waba_acme_dns_provider: {folder}/lego does not know 'nonsense'",
        ),
        ({"accept_terms": False}, "The terms of the CA are not accepted"),
    ],
)
def test_request_that_cannot_be_made_is_refused_before_anything(
    run: Run, client: Client, options: dict[str, Any], changed: dict[str, Any], message: str, check_mode: bool
) -> None:
    answer = run(acme_certificate, check_mode=check_mode, **{**options, **changed})
    assert message.format(folder=client.folder) in answer["msg"]
    assert client.recorded("calls") == []
    assert not Path(options["folder"]).exists()


def test_missing_client_is_refused_with_the_fix(
    run: Run, client: Client, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ansible.module_utils.basic.AnsibleModule.get_bin_path", lambda *_arguments: None)
    message = "lego is not installed on the control node. Install lego 4.9 or newer 4.x there: `apt-get install lego`"
    assert message in run(acme_certificate, **options)["msg"]
    assert not Path(options["folder"]).exists()


def test_client_of_another_release_is_refused_with_the_fix(run: Run, client: Client, options: dict[str, Any]) -> None:
    (client.folder / "help").write_text("\n".join(acme.LEGO_OPTIONS[:-1]), encoding="ascii")
    message = f"{client.folder}/lego does not have the option --dns.disable-cp. Install lego 4.9 or newer 4.x there"
    assert message in run(acme_certificate, **options)["msg"]
    assert client.recorded("calls") == []


def test_client_that_does_not_end_is_given_up(run: Run, client: Client, options: dict[str, Any]) -> None:
    (client.folder / "lego").write_text(LEGO.replace("mkdir", "sleep 60; mkdir"), encoding="ascii")
    answer = run(acme_certificate, **options, timeout=1)
    assert "lego did not end within waba_acme_timeout (1 s)" in answer["msg"]


def test_client_without_a_result_is_reported(run: Run, client: Client, options: dict[str, Any]) -> None:
    (client.folder / "new.key").write_text("", encoding="ascii")
    assert "lego wrote no usable certificate: it contains no key in PEM" in run(acme_certificate, **options)["msg"]
    assert not list(Path(options["folder"]).glob("*.pem"))
