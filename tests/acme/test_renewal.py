"""renew_certificates.yml with the real lego and the real Pebble, up to the files of the hosts. No cluster runs."""

from __future__ import annotations

import datetime
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from authority import Authority
from conftest import PLAYBOOK, TOKEN, Control
from cryptography import x509
from killed_runs import CONTROLLER, GROUP, MODULES, Kill, run_and_kill
from pebble import Pebble, free_port
from plays import changed, one_line, refusal


def names(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return found.get_values_for_type(x509.DNSName)


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """Collect the command lines of all processes of this machine."""
    seen: set[str] = set()
    ended = threading.Event()

    def collect() -> None:
        while not ended.wait(0.05):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def test_certificate_is_obtained_by_http_and_shared_by_the_hosts(control: Control, pebble: Pebble) -> None:
    before = pebble.issued()
    result = control.renew()
    assert changed(result) > 0
    assert pebble.issued() == before + 1
    assert names(control.certificate("one")) == ["api.example.com"]
    assert control.certificate("one") == control.certificate("two")
    assert (control.store.stat().st_mode & 0o777, control.bundle().stat().st_mode & 0o777) == (0o700, 0o600)


def test_second_run_changes_nothing_and_contacts_no_server(control: Control, pebble: Pebble) -> None:
    assert changed(control.renew()) > 0
    before = pebble.requests()
    assert changed(control.renew()) == 0
    assert pebble.requests() == before


def test_wildcard_is_obtained_by_dns_without_its_token_on_a_command_line_or_in_the_output(
    control: Control, pebble: Pebble
) -> None:
    control.write(**control.dns, waba_acme_certificates={"waba_mysql_certificate": ["*.db.example", "db.example"]})
    with command_lines() as lines:
        result = control.renew("-vvv")
    assert changed(result) > 0
    assert sorted(names(control.certificate("one", "db"))) == ["*.db.example", "db.example"]
    assert not (control.folder / "two").exists(), "only the host of the database has it"
    assert any("--dns exec" in line for line in lines), "the client was seen"
    secrets = [TOKEN, *(control.folder / "one" / "db.key").read_text().splitlines()[1:3]]
    for secret in secrets:
        assert secret not in result.stdout + result.stderr
        assert not any(secret in line for line in lines)


def test_certificate_near_its_expiry_is_renewed_with_a_new_key_and_the_same_account(
    control: Control, pebble: Pebble
) -> None:
    assert changed(control.renew()) > 0
    first, account = control.certificate(), sorted(control.store.rglob("account.json"))[0].read_text()
    # Two days long, the second of which has begun.
    authority = Authority(control.folder, "near")
    certificate, key = authority.sign(x509.DNSName("api.example.com"))
    control.bundle().write_bytes(Path(key).read_bytes() + Path(certificate).read_bytes())
    result = control.renew(waba_acme_renew_percent=60)
    assert changed(result) > 0
    assert "the present one expires on" in result.stdout
    now = control.certificate()
    assert now != first
    assert now.public_key() != first.public_key()
    assert now.not_valid_after_utc - now.not_valid_before_utc > datetime.timedelta(days=89)
    assert sorted(control.store.rglob("account.json"))[0].read_text() == account
    assert changed(control.renew()) == 0


def test_other_names_are_another_certificate(control: Control) -> None:
    assert changed(control.renew()) > 0
    control.write(waba_acme_certificates={"waba_webapp_certificate": ["api.example.com", "www.example.com"]})
    assert changed(control.renew()) > 0
    assert names(control.certificate()) == ["api.example.com", "www.example.com"]


def test_check_mode_reports_what_is_due_and_changes_nothing(control: Control, pebble: Pebble) -> None:
    before = pebble.requests()
    result = control.renew("--check")
    assert changed(result) > 0
    assert "api.example.com: there is none yet" in result.stdout
    assert (pebble.requests(), control.store.exists(), (control.folder / "one").exists()) == (before, False, False)


def test_refusal_of_the_server_is_reported_and_holds_up_no_other_certificate(control: Control) -> None:
    certificates = {"waba_webapp_certificate": ["blocked.example"], "waba_mysql_certificate": ["db.example"]}
    result = control.renew(waba_acme_certificates=certificates)
    assert result.returncode != 0
    assert "The certificate of blocked.example was not obtained: acme: error: 400 :: POST ::" in one_line(
        result.stdout
    ), result.stdout
    assert 'issuance is forbidden by policy: "blocked.example"' in one_line(result.stdout)
    assert names(control.certificate("one", "db")) == ["db.example"]
    assert changed(control.renew(waba_acme_certificates={"waba_mysql_certificate": ["db.example"]})) == 0


def test_challenge_that_does_not_arrive_is_reported(control: Control) -> None:
    result = control.renew(waba_acme_http_address=f"127.0.0.1:{free_port()}")
    assert result.returncode != 0
    assert "The certificate of api.example.com was not obtained: [api.example.com] acme: error: " in one_line(
        result.stdout
    )
    assert not list(control.store.glob("*.pem"))


def test_server_that_does_not_answer_is_reported(control: Control) -> None:
    result = control.renew(waba_acme_directory=f"https://localhost:{free_port()}/dir")
    assert result.returncode != 0
    assert "connect: connection refused" in one_line(result.stdout)


def test_server_of_an_unknown_authority_is_refused(control: Control) -> None:
    result = control.renew(waba_acme_ca="")
    assert result.returncode != 0
    assert "x509: certificate signed by unknown authority" in one_line(result.stdout)


INVALID = {
    "waba_acme_challenge": ("dns-02", "value of waba_acme_challenge must be one of: http-01, dns-01, got: dns-02"),
    "waba_acme_directory": ("http://acme.example/dir", "it is not a URL with https"),
    "waba_acme_email": ("nobody", "it is not an email address"),  # codespell:ignore nobody
    "waba_acme_accept_terms": (False, "the CA issues no certificate before you accept its terms"),
    "waba_acme_renew_percent": (0, "it is no part of a certificate's validity"),
    "waba_acme_http_address": ("here", "nothing can listen there"),
    "waba_acme_dns_environment": (TOKEN, "waba_acme_dns_environment must be of the type dict"),
    "waba_webapp_certificate_key": ("", "it is not set, and waba_acme_certificates names its certificate"),
}


def test_invalid_settings_are_refused_together_before_anything(control: Control, pebble: Pebble) -> None:
    before = pebble.requests()
    given = {name: value for name, (value, _problem) in INVALID.items()}
    names_of = {"waba_webapp_certificate": ["https://api.example.com"], "waba_dir": ["x.example"]}
    key = given.pop("waba_webapp_certificate_key")
    output = refusal(control.renew(**given, waba_acme_certificates=names_of))
    for name, (_value, problem) in INVALID.items():
        if name in given:
            assert name in output
            assert problem in output, output
    assert "https://api.example.com it is not a host name" in output
    assert "waba_dir it is not a setting whose certificate can come from ACME" in output
    assert output.count("it is not a host name") == 1, "the hosts share one row"
    assert "settings of one, two are invalid" in output
    assert TOKEN not in output
    assert INVALID["waba_webapp_certificate_key"][1] in refusal(control.renew(waba_webapp_certificate_key=key))
    assert (pebble.requests(), control.store.exists(), (control.folder / "one").exists()) == (before, False, False)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"waba_acme_challenge": "dns-01", "waba_acme_dns_provider": "nonsense"}, "does not know 'nonsense'"),
        ({"waba_acme_ca": "/nowhere/ca.pem"}, "waba_acme_ca: /nowhere/ca.pem cannot be read on the control node"),
    ],
)
def test_what_the_control_node_lacks_is_refused_before_anything(
    control: Control, pebble: Pebble, settings: dict[str, str], problem: str
) -> None:
    before = pebble.requests()
    assert problem in refusal(control.renew(**settings))
    assert (pebble.requests(), control.store.exists()) == (before, False)


def test_limit_is_refused(control: Control) -> None:
    assert "Run it without --limit" in refusal(control.renew("--limit", "one"))


OBTAIN, WRITE = "Obtain the certificates that are due", "Write the certificates and their keys"


def kill_clients(folder: Path) -> None:
    """Kill the ACME clients that work in a folder, which killed modules leave behind."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if words[0].endswith("/lego") and any(word.startswith(str(folder)) for word in words):
            os.kill(int(file.parent.name), signal.SIGKILL)


@pytest.mark.parametrize(
    "kill",
    [
        Kill(0, 0.7, GROUP, OBTAIN),  # the account is made
        Kill(0, 3.0, CONTROLLER, OBTAIN),  # during the challenge; lego lives on
        Kill(0, 3.0, MODULES, OBTAIN),
        Kill(0, 6.0, MODULES, OBTAIN),  # the certificate is issued
        Kill(0, 0.0, GROUP, WRITE),
        Kill(0, 0.4, CONTROLLER, WRITE),
    ],
    ids=str,
)
def test_killed_run_is_repeated_and_converges(control: Control, kill: Kill) -> None:
    killed = run_and_kill(control.inventory, PLAYBOOK, kill=kill, kill_modules=lambda: kill_clients(control.store))
    assert killed.task, killed.output
    time.sleep(0.5)
    assert changed(control.renew()) >= 0
    assert names(control.certificate("one")) == ["api.example.com"]
    assert control.certificate("one") == control.certificate("two")
    assert [path.name for path in control.store.iterdir() if path.name.startswith((".lego", ".api"))] == []
    assert changed(control.renew()) == 0
