# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.certificates import acme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = 86400
NOW = 1_800_000_000.0
KEY = ec.generate_private_key(ec.SECP256R1())
KEY_TEXT = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()
TOKEN = "dns-token-0815"


def certificate(begin: float, end: float) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "api.example.com")])
    valid = [datetime.datetime.fromtimestamp(NOW + day * DAY, datetime.timezone.utc) for day in (begin, end)]
    builder = x509.CertificateBuilder(name, name, KEY.public_key(), 7, *valid)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def given(**changed: Any) -> dict[str, Any]:
    return {
        "waba_acme_certificates": {"waba_webapp_certificate": ["api.example.com"]},
        "waba_acme_directory": "https://acme.example/directory",
        "waba_acme_email": "ops@example.com",
        "waba_acme_accept_terms": True,
        "waba_acme_challenge": "http-01",
        "waba_acme_http_address": ":8402",
        "waba_acme_dns_provider": "",
        "waba_acme_dns_environment": {},
        "waba_acme_renew_percent": 33,
        "waba_acme_timeout": 600,
        "waba_webapp_certificate": "/etc/waba/api.pem",
        "waba_webapp_certificate_key": "/etc/waba/api.key",
        "waba_cloud_webhook_certificate": "/etc/waba/hook.pem",
        "waba_cloud_webhook_key": "/etc/waba/hook.key",
        "waba_mysql_certificate": "",
        "waba_mysql_certificate_key": "",
        **changed,
    }


def of(*names: Any, setting: str = "waba_webapp_certificate", **changed: Any) -> dict[str, Any]:
    return given(waba_acme_certificates={setting: list(names)}, **changed)


@pytest.mark.parametrize(
    "settings",
    [
        given(waba_acme_certificates={}, waba_acme_directory="nowhere", waba_acme_email=""),
        of("api.example.com", "API.example.com", "xn--mnchen-3ya.example", "db1", "1.example.com"),
        of("*.example.com", waba_acme_challenge="dns-01", waba_acme_dns_provider="exec", waba_acme_http_address="x"),
        *(given(waba_acme_http_address=one) for one in (":80", "127.0.0.1:5002", "[::1]:8402", "proxy-net:8402")),
        given(waba_acme_directory="https://[2001:db8::1]:9000/acme/acme/directory"),
    ],
)
def test_sound_settings_have_no_problem(settings: dict[str, Any]) -> None:
    assert acme.problems(settings) == []


@pytest.mark.parametrize(
    "name",
    [
        *("https://api.example.com", "api.example.com:443", "api example.com", "-a.example.com", "a-.example.com", ""),
        *("münchen.example", "192.0.2.1", "a..example.com", "api.example.com.", "*", "a.*.example.com", "*example.com"),
        *(f"{'a' * 64}.example.com", ".".join(["abcdefg"] * 40), "api.example.com\n", 7, None),
    ],
)
def test_name_that_is_no_host_name_is_refused(name: Any) -> None:
    (problem,) = acme.problems(of("api.example.com", name, waba_acme_challenge="dns-01", waba_acme_dns_provider="exec"))
    assert (problem.variable, problem.value) == ("waba_acme_certificates.waba_webapp_certificate", name)
    assert problem.problem == "it is not a host name"


@pytest.mark.parametrize(
    ("changed", "variable", "problem"),
    [
        ({"waba_acme_certificates": {"waba_dir": ["a.example"]}}, "waba_acme_certificates", "can come from ACME"),
        (
            {"waba_acme_certificates": {"waba_webapp_certificate": "a.example"}},
            "waba_acme_certificates.waba_webapp_certificate",
            "it is not a list of host names",
        ),
        (
            {"waba_acme_certificates": {"waba_webapp_certificate": []}},
            "waba_acme_certificates.waba_webapp_certificate",
            "it is not a list of host names",
        ),
        (
            {"waba_acme_certificates": {"waba_webapp_certificate": ["*.example.com"]}},
            "waba_acme_certificates.waba_webapp_certificate",
            "http-01 cannot verify a wildcard",
        ),
        *(
            ({"waba_acme_directory": url}, "waba_acme_directory", "it is not a URL with https")
            for url in ("http://acme.example/directory", "acme.example", "", "https://", "https://a b/", "https://[::1")
        ),
        ({"waba_acme_email": ""}, "waba_acme_email", "it is not an email address"),
        ({"waba_acme_email": "ops example.com"}, "waba_acme_email", "it is not an email address"),
        ({"waba_acme_accept_terms": False}, "waba_acme_accept_terms", "before you accept its terms"),
        ({"waba_acme_renew_percent": 0}, "waba_acme_renew_percent", "no part of a certificate's validity"),
        ({"waba_acme_renew_percent": 101}, "waba_acme_renew_percent", "no part of a certificate's validity"),
        ({"waba_acme_timeout": 0}, "waba_acme_timeout", "it is below 1"),
        *(
            ({"waba_acme_http_address": text}, "waba_acme_http_address", "nothing can listen there")
            for text in ("", "8402", ":0", ":65536", "a b:80", "http://:80")
        ),
        (
            {"waba_acme_challenge": "dns-01", "waba_acme_dns_provider": ""},
            "waba_acme_dns_provider",
            "it is not the code of a DNS provider of lego",
        ),
        (
            {"waba_acme_challenge": "dns-01", "waba_acme_dns_provider": "exec; id"},
            "waba_acme_dns_provider",
            "it is not the code of a DNS provider of lego",
        ),
    ],
)
def test_invalid_setting_is_refused(changed: dict[str, Any], variable: str, problem: str) -> None:
    (found,) = acme.problems(given(**changed))
    assert found.variable == variable
    assert problem in found.problem


@pytest.mark.parametrize(("name", "value"), [("A B", TOKEN), ("A", [TOKEN]), ("A", None), ("A", True), ("A", "x\0y")])
def test_invalid_variable_of_the_dns_provider_is_refused_without_its_value(name: str, value: Any) -> None:
    changed = {"waba_acme_challenge": "dns-01", "waba_acme_dns_provider": "exec"}
    (problem,) = acme.problems(given(**changed, waba_acme_dns_environment={name: value, "TTL": 60}))
    assert problem.variable == f"waba_acme_dns_environment.{name}"
    assert TOKEN not in str(problem)


def test_host_gets_the_certificates_that_it_uses() -> None:
    both = {"waba_webapp_certificate": ["API.example.com", "api.example.com"], "waba_mysql_certificate": ["db.example"]}
    webapp = acme.certificates(given(waba_acme_certificates=both), {"webapps": [{"name": "waweb"}]})
    assert webapp == [
        {
            "setting": "waba_webapp_certificate",
            "names": ["api.example.com"],
            "certificate": "/etc/waba/api.pem",
            "key": "/etc/waba/api.key",
        }
    ]
    database = acme.certificates(given(waba_acme_certificates=both), {"webapps": [], "database": {"name": "db"}})
    assert [one["setting"] for one in database] == ["waba_mysql_certificate"]
    assert acme.certificates(given(waba_acme_certificates=both), {"masters": [{"name": "m"}], "webapps": []}) == []


def test_refused_settings_give_no_certificate() -> None:
    assert acme.certificates(given(waba_acme_email=""), {"webapps": [{"name": "waweb"}]}) == []


def test_certificate_without_a_file_is_refused_where_it_is_used() -> None:
    settings = of("db.example", setting="waba_mysql_certificate")
    assert acme.path_problems(acme.certificates(settings, {"webapps": [{"name": "waweb"}]})) == []
    found = acme.path_problems(acme.certificates(settings, {"database": {"name": "db"}}))
    assert [one.variable for one in found] == ["waba_mysql_certificate", "waba_mysql_certificate_key"]


def test_certificates_with_other_names_need_other_files() -> None:
    plan = {"webapps": [{"name": "waweb"}], "webhook_port": 9290}
    shared = {"waba_cloud_webhook_certificate": "/etc/waba/api.pem", "waba_cloud_webhook_key": "/etc/waba/api.key"}
    names = {"waba_webapp_certificate": ["a.example"], "waba_cloud_webhook_certificate": ["b.example"]}
    found = acme.path_problems(acme.certificates(given(**shared, waba_acme_certificates=names), plan))
    assert [one.problem for one in found] == [
        "the certificate of waba_webapp_certificate is written to the same file"
    ] * 2
    same = {setting: ["a.example"] for setting in names}
    assert acme.path_problems(acme.certificates(given(**shared, waba_acme_certificates=same), plan)) == []


def test_certificate_and_key_in_one_file_are_refused() -> None:
    settings = given(waba_webapp_certificate_key="/etc/waba/api.pem")
    (problem,) = acme.path_problems(acme.certificates(settings, {"webapps": [{"name": "waweb"}]}))
    assert problem.value == "/etc/waba/api.pem"


@pytest.mark.parametrize(
    ("begin", "end", "reason"),
    [
        (-59, 31, ""),
        (-61, 29, "the present one expires on 2027-02-13"),
        (-90, -1, "the present one expired on 2027-01-14"),
        (-0.5, 0.5, ""),  # valid for a day
        (-0.7, 0.3, "the present one expires on 2027-01-15"),
    ],
)
def test_certificate_is_due_when_a_third_of_its_validity_is_left(begin: float, end: float, reason: str) -> None:
    stored = acme.bundled(certificate(begin, end) + certificate(-500, 1), KEY_TEXT)
    assert acme.due(stored, NOW, 33)[0] == reason


def test_every_certificate_is_due_at_100_percent() -> None:
    assert acme.due(acme.bundled(certificate(-0.01, 90), KEY_TEXT), NOW, 100)[0] != ""


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (None, "there is none yet"),
        ("", "the stored one cannot be used: it contains no certificate in PEM"),
        (certificate(-1, 89), "the stored one cannot be used: it contains no key in PEM"),
        (KEY_TEXT, "the stored one cannot be used: it contains no certificate in PEM"),
    ],
)
def test_missing_or_unusable_certificate_is_due(stored: str | None, reason: str) -> None:
    assert acme.due(stored, NOW, 33) == (reason, "")


def test_certificate_and_key_are_separated_as_they_were() -> None:
    chain = certificate(0, 90) + certificate(-500, 500)
    assert acme.split(acme.bundled(chain, KEY_TEXT)) == (chain, KEY_TEXT)
    assert acme.split(acme.bundled(chain, KEY_TEXT).strip()) == (chain, KEY_TEXT)


def test_another_request_has_another_file() -> None:
    base = ("https://acme.example/directory", ["*.example.com"], "ec256")
    others = [
        ("https://staging.example/directory", *base[1:]),
        (base[0], [*base[1], "example.com"], base[2]),
        (*base[:2], "rsa2048"),
    ]
    names = {acme.file_name(*one) for one in (base, *others)}
    assert len(names) == 4
    assert all(name.startswith("_.example.com-") for name in names)


def test_long_name_fits_into_the_name_of_a_file() -> None:
    name = ".".join(["a" * 61] * 4)
    assert acme.HOST_NAME.fullmatch(name)
    assert len(acme.file_name("https://acme.example/directory", [name], "ec256")) < 230


REQUEST = {
    "names": ["a.example", "b.example"],
    "directory": "https://acme.example/directory",
    "email": "ops@example.com",
    "key_type": "ec256",
    "challenge": "http-01",
    "http_address": ":8402",
    "dns_provider": "exec",
    "dns_environment": {"TOKEN": TOKEN},
    "dns_check": True,
}


def test_command_line_of_each_challenge() -> None:
    http = acme.arguments(REQUEST, "/f")
    assert " ".join(http) == (
        "--path /f --server https://acme.example/directory --email ops@example.com --accept-tos --key-type ec256 "
        "--domains a.example --domains b.example --http --http.port :8402 run"
    )
    dns = acme.arguments({**REQUEST, "challenge": "dns-01"}, "/f")
    assert dns[-3:] == ["--dns", "exec", "run"]
    assert acme.arguments({**REQUEST, "challenge": "dns-01", "dns_check": False}, "/f")[-2] == "--dns.disable-cp"


def test_command_line_has_no_secret_and_uses_the_checked_options_only() -> None:
    for changed in ({}, {"challenge": "dns-01", "dns_check": False}):
        line = acme.arguments({**REQUEST, **changed}, "/f")
        assert TOKEN not in " ".join(line)
        assert {word for word in line if word.startswith("--")} <= set(acme.LEGO_OPTIONS)


def test_missing_options_of_another_release_are_named() -> None:
    help_text = "\n".join(f"   {option} value, -x value    Text." for option in acme.LEGO_OPTIONS)
    assert acme.missing_options(help_text) == []
    assert acme.missing_options(help_text.replace("--http.port", "--http.address")) == ["--http.port"]
    assert acme.missing_options("no such thing") == list(acme.LEGO_OPTIONS)


def test_failure_has_the_reason_of_the_server_alone() -> None:
    output = (
        "2026/11/29 06:08:28 No key found for account ops@example.com. Generating a P256 key.\n"
        "2026/11/29 06:08:28 Saved key to /f/accounts/x.key\n"
        "2026/11/29 06:08:42 [INFO] [blocked.example] acme: Obtaining bundled SAN certificate\n"
        "2026/11/29 06:08:42 Could not obtain certificates:\n"
        "\terror: one or more domains had a problem:\n"
        "[a.example] acme: error: 400 :: urn:ietf:params:acme:error:connection :: connection refused\n"
    )
    wanted = "[a.example] acme: error: 400 :: urn:ietf:params:acme:error:connection :: connection refused"
    assert acme.failure(output) == wanted
    assert acme.failure("") == "lego gave no reason"
