# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates from an ACME server: rules for the settings, when a certificate is due, the command line of lego. Pure.

docs/adr/0034-acme-with-lego-on-the-control-node.md explains the choices.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.waba.cluster.plugins.module_utils._internal.certificates import expiry
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

Settings = Mapping[str, Any]


class Use(NamedTuple):
    """Where a certificate is used. key: the setting that names the file of its key. plan: the option that is set in the plan of each host that uses it."""

    key: str
    plan: str


# Settings whose files may come from an ACME server.
USES = {
    "waba_webapp_certificate": Use("waba_webapp_certificate_key", "webapps"),
    "waba_api_proxy_certificate": Use("waba_api_proxy_certificate_key", "api_proxy"),
    "waba_cloud_webhook_certificate": Use("waba_cloud_webhook_key", "webhook_port"),
    "waba_mysql_certificate": Use("waba_mysql_certificate_key", "database"),
}
CERTIFICATES = "waba_acme_certificates"
HTTP, DNS = "http-01", "dns-01"
KEY_TYPES = ("ec256", "ec384", "rsa2048", "rsa4096")

LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:\*\.)?(?:{LABEL}\.)*(?![0-9]+\Z){LABEL}")
EMAIL = re.compile(r"[^\s@,]+@[^\s@,]+")
ADDRESS = re.compile(r"(?:[0-9.]*|\[[0-9A-Fa-f:.]+\]|[a-z0-9.-]+):([0-9]{1,5})")
HIGHEST_PORT = 65535
PROVIDER = re.compile(r"[a-z0-9-]+")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
WILDCARD = "*."
LONGEST_NAME = 200  # characters of a host name in the name of a file

PROGRAM = "lego"
# Options of lego that `arguments` uses. A release that lacks one is too old or too new.
LEGO_OPTIONS = (
    *("--path", "--server", "--email", "--accept-tos", "--key-type", "--domains"),
    *("--http", "--http.port", "--dns", "--dns.disable-cp"),
)
# lego marks what it did. The other lines are errors.
INFORMATION = re.compile(r"\[(?:INFO|WARN)\]|No key found for account|Saved key to")
HEADINGS = re.compile(r"Could not obtain certificates:|error: one or more domains had a problem:")
TIMESTAMP = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")

CERTIFICATE_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
KEY_BLOCK = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


def problems(settings: Settings) -> list[Problem]:
    """Return the problems of the settings of one host; none where no certificate comes from an ACME server."""
    return list(_problems(settings)) if settings[CERTIFICATES] else []


def _problems(settings: Settings) -> Iterator[Problem]:
    for setting, names in settings[CERTIFICATES].items():
        yield from _certificate_problems(setting, names, settings["waba_acme_challenge"])
    directory, email = settings["waba_acme_directory"], settings["waba_acme_email"]
    if not _is_https(directory):
        fix = "Give the URL of the directory that the CA documents, with https://"
        yield Problem("waba_acme_directory", directory, "it is not a URL with https", fix)
    if not EMAIL.fullmatch(email):
        fix = "Give an address that the CA may write to; it names the account"
        yield Problem("waba_acme_email", email, "it is not an email address", fix)
    if not settings["waba_acme_accept_terms"]:
        fix = "Read the terms of the CA of waba_acme_directory, and set it to true"
        yield Problem("waba_acme_accept_terms", False, "the CA issues no certificate before you accept its terms", fix)
    percent, timeout = settings["waba_acme_renew_percent"], settings["waba_acme_timeout"]
    if not 1 <= percent <= 100:
        fix = "Use 1 to 100; 33 renews a certificate for 90 days after 60"
        yield Problem("waba_acme_renew_percent", percent, "it is no part of a certificate's validity", fix)
    if timeout < 1:
        yield Problem("waba_acme_timeout", timeout, "it is below 1", "Use 1 or more")
    if settings["waba_acme_challenge"] == DNS:
        yield from _dns_problems(settings)
    elif not _is_listening_address(settings["waba_acme_http_address"]):
        fix = "Write ADDRESS:PORT, or :PORT for every address of the control node"
        yield Problem("waba_acme_http_address", settings["waba_acme_http_address"], "nothing can listen there", fix)


def _certificate_problems(setting: str, names: Any, challenge: str) -> Iterator[Problem]:
    if setting not in USES:
        problem = "it is not a setting whose certificate can come from ACME"
        yield Problem(CERTIFICATES, setting, problem, f"Use {', '.join(USES)}")
        return
    variable = f"{CERTIFICATES}.{setting}"
    if not isinstance(names, (list, tuple)) or not names:
        fix = "Write a list of names, such as [api.example.com]"
        yield Problem(variable, names, "it is not a list of host names", fix)
        return
    for name in names:
        if not isinstance(name, str) or not HOST_NAME.fullmatch(name.lower()):
            fix = "Write a name such as api.example.com, without scheme and port; an international one in its form xn--"
            yield Problem(variable, name, "it is not a host name", fix)
        elif name.startswith(WILDCARD) and challenge != DNS:
            fix = f"Set waba_acme_challenge to {DNS}, or list the names"
            yield Problem(variable, name, f"{challenge} cannot verify a wildcard", fix)


def _dns_problems(settings: Settings) -> Iterator[Problem]:
    provider = settings["waba_acme_dns_provider"]
    if not PROVIDER.fullmatch(provider):
        fix = "Name one of https://go-acme.github.io/lego/dns/ by its code, such as route53"
        yield Problem("waba_acme_dns_provider", provider, "it is not the code of a DNS provider of lego", fix)
    for name, value in settings["waba_acme_dns_environment"].items():
        variable = f"waba_acme_dns_environment.{name}"
        if not VARIABLE.fullmatch(str(name)):
            yield Problem(variable, "(redacted)", "it is not the name of a variable", "Use letters, digits and _")
        elif not isinstance(value, (str, int)) or isinstance(value, bool) or "\0" in str(value):
            yield Problem(variable, "(redacted)", "its value is not text", "Write text in quotes")


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname) and url.isprintable() and " " not in url
    except ValueError:  # brackets that do not match
        return False


def _is_listening_address(text: str) -> bool:
    found = ADDRESS.fullmatch(text)
    return found is not None and 1 <= int(found[1]) <= HIGHEST_PORT


def certificates(settings: Settings, plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return {"setting", "names", "certificate", "key"} of each certificate that a host uses and an ACME server issues; none where the settings are refused.

    plan: the host's plan of the topology. certificate, key: the paths of the files on the host.
    """
    if problems(settings):
        return []
    return [
        {
            "setting": setting,
            "names": list(dict.fromkeys(name.lower() for name in names)),
            "certificate": settings[setting],
            "key": settings[USES[setting].key],
        }
        for setting, names in settings[CERTIFICATES].items()
        if plan.get(USES[setting].plan)
    ]


def path_problems(used: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """Return the problems of the files to which the certificates of one host are written. used: as from `certificates`."""
    found = []
    for one in used:
        for setting, path in ((one["setting"], one["certificate"]), (USES[one["setting"]].key, one["key"])):
            if not path:
                problem = f"it is not set, and {CERTIFICATES} names its certificate"
                found.append(Problem(setting, path, problem, "Name the file on the host that is to be written"))
    writers: dict[str, tuple[str, Any]] = {}
    for one in used:
        for role in ("certificate", "key"):
            setting, content = writers.setdefault(one[role], (one["setting"], (role, one["names"])))
            if one[role] and content != (role, one["names"]):
                problem = f"the certificate of {setting} is written to the same file"
                found.append(Problem(one["setting"], one[role], problem, "Give each certificate and key its own file"))
    return found


def file_name(directory: str, names: Sequence[str], key_type: str) -> str:
    """Return the name of the file that stores a certificate with its key. Another CA, another name or another type of key makes another file."""
    digest = hashlib.sha256(json.dumps([directory, list(names), key_type]).encode()).hexdigest()
    return f"{names[0].replace('*', '_')[:LONGEST_NAME]}-{digest[:12]}.pem"


def due(stored: str | None, now: float, percent: int) -> tuple[str, str]:
    """Return why a certificate must be obtained, "" if it need not be, and the day on which the stored one expires, "" if there is none.

    stored: the text of its file, None if there is none. now: in seconds since 1970. percent: of its validity that is left when it is renewed.
    """
    if stored is None:
        return "there is none yet", ""
    try:
        begin, end = expiry.validities(stored)[0]
        split(stored)
    except ValueError as error:
        return f"the stored one cannot be used: {error}", ""
    expires = expiry.date(end)
    if end <= now:
        return f"the present one expired on {expires}", expires
    if end - now < (end - begin) * percent / 100:
        return f"the present one expires on {expires}", expires
    return "", expires


def arguments(request: Mapping[str, Any], folder: str) -> list[str]:
    """Return the command line of lego, without its path. request: the options of the module `acme_certificate`. folder: where lego works."""
    if request["challenge"] == DNS:
        waits = [] if request["dns_check"] else ["--dns.disable-cp"]
        challenge = ["--dns", request["dns_provider"], *waits]
    else:
        challenge = ["--http", "--http.port", request["http_address"]]
    return [
        *("--path", folder, "--server", request["directory"], "--email", request["email"], "--accept-tos"),
        *("--key-type", request["key_type"], *(word for name in request["names"] for word in ("--domains", name))),
        *(*challenge, "run"),
    ]


def missing_options(help_text: str) -> list[str]:
    """Return the options that a release of lego lacks. help_text: the output of `lego --help`."""
    offered = set(re.findall(r"--[a-z.-]+", help_text))
    return [option for option in LEGO_OPTIONS if option not in offered]


def failure(output: str) -> str:
    """Return what lego reports as the reason of its failure. output: of lego, with its errors."""
    lines = [line for line in output.splitlines() if line.strip() and not INFORMATION.search(line)]
    text = HEADINGS.sub("", "\n".join(TIMESTAMP.sub("", line) for line in lines))
    return " ".join(text.split()) or f"{PROGRAM} gave no reason"


def bundled(certificate: str, key: str) -> str:
    """Return one text with the key, the certificate and its chain. Raises ValueError if one of them is missing."""
    text = f"{key.rstrip()}\n{certificate.rstrip()}\n"
    split(text)
    return text


def split(bundle: str) -> tuple[str, str]:
    """Return (certificate with its chain, key) of a text from `bundled`. Raises ValueError if one of them is missing."""
    expiry.validities(bundle)
    key = KEY_BLOCK.search(bundle)
    if key is None:
        raise ValueError("it contains no key in PEM")
    return "".join(f"{block}\n" for block in CERTIFICATE_BLOCK.findall(bundle)), f"{key[0]}\n"
