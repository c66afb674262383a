# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validates the settings of the upstream and of the Cloud API. A problem never contains a secret."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ansible_collections.waba.cluster.plugins.module_utils._internal import egress
from ansible_collections.waba.cluster.plugins.module_utils._internal.addresses import is_address
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.validation import REDACTED, is_vendor_image

CLOUD = "cloud"
LONGEST_WEBHOOK_URL = 200  # characters; Meta's limit of a webhook override
LONGEST_GRACE = 86_400  # seconds
HIGHEST_RATE = 1_000  # messages per second of a number with Meta's highest throughput
ID = re.compile(r"[0-9]{5,25}")
VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]")
PIN = re.compile(r"[0-9]{6}")
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
SERVICE = re.compile(r"wss?://[^\s/]+\S*")
# Environment variables of the node that settings have, for a user who sets one in waba_environment.
VARIABLES = re.compile(r"WABA_UPSTREAM|WABA_CLOUD_\w+")
# Variable of the node: the setting, where the names differ.
SETTINGS = {"WABA_CLOUD_APP_SECRETS": "waba_cloud_app_secret"}

Settings = Mapping[str, Any]


def setting_of(variable: str) -> str:
    """Return the setting that an environment variable of the node is rendered from."""
    return SETTINGS.get(variable, variable.lower())


def problems(
    settings: Settings, secrets: Mapping[str, Any], images: Iterable[str]
) -> tuple[list[Problem], list[Problem]]:
    """Return (problems, warnings) of the settings of the upstream.

    settings: by name, in the types of their specifications. secrets: those that the inventory has, by name. images: of the nodes. The settings of the Cloud
    API are checked only where it is the upstream.
    """
    upstream = settings["waba_upstream"]
    if upstream != CLOUD:
        if upstream == "loopback" or SERVICE.fullmatch(upstream):
            return [], []
        fix = "Use loopback, cloud, or ws://HOST:PORT or wss://HOST:PORT of a WebSocket service"
        return [Problem("waba_upstream", upstream, "there is no such upstream", fix)], []
    found = [
        *_conflicts(settings, images),
        *_ids(settings),
        *_numbers(settings),
        *_meta(settings),
        *_webhook_url(settings),
        *_link_hosts(settings["waba_cloud_link_hosts"] or []),
        *_secrets(secrets),
    ]
    return found, list(_warnings(settings, secrets))


def is_rehearsal(base_url: str) -> bool:
    """Return whether a base URL is that of a stand-in on the same machine or network, which needs no TLS."""
    return _scheme(base_url) == "http"


def _conflicts(settings: Settings, images: Iterable[str]) -> Iterator[Problem]:
    for name in settings["waba_environment"] or {}:
        if VARIABLES.fullmatch(str(name)):
            problem = "it would override the setting of the Cloud API"
            yield Problem(f"waba_environment.{name}", REDACTED, problem, f"Remove it, and set {setting_of(str(name))}")
    if any(map(is_vendor_image, images)):
        fix = "Use the image of the open node, or another upstream"
        yield Problem("waba_upstream", CLOUD, "the vendor's client does not have this upstream", fix)


def _ids(settings: Settings) -> Iterator[Problem]:
    sources = {
        "waba_cloud_phone_number_id": "Copy the phone number ID, not the number itself, from WhatsApp > API Setup of your app",
        "waba_cloud_waba_id": "Copy the WhatsApp Business Account ID from WhatsApp > API Setup of your app",
    }
    for name, fix in sources.items():
        value = settings[name]
        if not value:
            yield Problem(name, value, "the Cloud API needs it", fix)
        elif not ID.fullmatch(value):
            yield Problem(name, value, "an id of Meta has digits only", fix)
    first, second = (settings[name] for name in sources)
    if first and first == second:
        problem = "it is the same as waba_cloud_phone_number_id"
        yield Problem("waba_cloud_waba_id", second, problem, sources["waba_cloud_waba_id"])


def _numbers(settings: Settings) -> Iterator[Problem]:
    for name, unit, lowest, highest in (
        ("waba_cloud_rate", "messages per second", 0, HIGHEST_RATE),
        ("waba_cloud_grace", "seconds", 1, LONGEST_GRACE),
    ):
        if not lowest <= settings[name] <= highest:
            problem = f"it is not between {lowest} and {highest} {unit}"
            yield Problem(name, settings[name], problem, "Stay within these bounds")


def _meta(settings: Settings) -> Iterator[Problem]:
    base = settings["waba_cloud_base_url"]
    parts = _split(base)
    if not parts or parts.query or parts.fragment or "@" in parts.netloc:
        yield Problem(
            "waba_cloud_base_url", base, "it is no URL of a server", "Write it as in https://graph.facebook.com"
        )
    elif parts.scheme != "https" and not (parts.scheme == "http" and _is_private(parts.hostname or "")):
        problem = "it is not https, so the token would cross the network in plain text"
        yield Problem(
            "waba_cloud_base_url", base, problem, "Write https://; http is for a stand-in on a private address"
        )
    version = settings["waba_cloud_version"]
    if not VERSION.fullmatch(version):
        yield Problem("waba_cloud_version", version, "it is no version of the Graph API", "Write it as in v25.0")
    proxy = settings["waba_cloud_proxy"]
    # A value from waba_proxy, the default, is reported under that name.
    if proxy and proxy != settings["waba_proxy"] and not egress.is_proxy(proxy):
        yield egress.problem("waba_cloud_proxy")


def _webhook_url(settings: Settings) -> Iterator[Problem]:
    url, name = settings["waba_cloud_webhook_url"], "waba_cloud_webhook_url"
    fix = "Write it as in https://waba.example.com/webhooks"
    parts = _split(url)
    if not url:
        yield Problem(name, url, "the Cloud API needs it", fix)
    elif len(url) > LONGEST_WEBHOOK_URL:
        problem = f"it has {len(url)} characters, and Meta accepts {LONGEST_WEBHOOK_URL}"
        yield Problem(name, url, problem, "Use a shorter path")
    elif not parts or parts.fragment or "@" in parts.netloc:
        yield Problem(name, url, "it is no URL that Meta can call", fix)
    elif parts.scheme != "https" and not is_rehearsal(settings["waba_cloud_base_url"]):
        yield Problem(name, url, "it is not https, which Meta requires", fix)


def _link_hosts(hosts: Iterable[str]) -> Iterator[Problem]:
    for index, host in enumerate(hosts):
        if not HOST.fullmatch(host) and not is_address(host):
            problem = "it is neither a host name nor an address"
            yield Problem(
                f"waba_cloud_link_hosts[{index}]", host, problem, "Write the host of the link, without a port"
            )


def _secrets(secrets: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the problems of secrets that are text; `secrets.validation` reports the others."""
    texts = {name: value for name, value in secrets.items() if isinstance(value, str) and value}
    for name in ("waba_cloud_token", "waba_cloud_verify_token"):
        if re.search(r"\s", texts.get(name, "")):
            yield Problem(name, REDACTED, "it contains white space", "Copy it again, as one word")
    for name in ("waba_cloud_app_secret", "waba_cloud_previous_app_secret"):
        if re.search(r"[\s,]", texts.get(name, "")):
            yield Problem(name, REDACTED, "it contains white space or a comma", "Copy it again, as one word")
    if not PIN.fullmatch(texts.get("waba_cloud_pin", "000000")):
        yield Problem("waba_cloud_pin", REDACTED, "it does not have six digits", "Set the PIN of the number, in quotes")


def _warnings(settings: Settings, secrets: Mapping[str, Any]) -> Iterator[Problem]:
    parts = _split(settings["waba_cloud_webhook_url"])
    if parts and not is_rehearsal(settings["waba_cloud_base_url"]) and _is_private(parts.hostname or ""):
        problem = "Meta cannot reach this address from the internet"
        fix = "Use a public name; a reverse proxy may forward it to the webapps"
        yield Problem("waba_cloud_webhook_url", settings["waba_cloud_webhook_url"], problem, fix)
    former = secrets.get("waba_cloud_previous_app_secret")
    if former and former == secrets.get("waba_cloud_app_secret"):
        problem = "it is the same as waba_cloud_app_secret"
        yield Problem("waba_cloud_previous_app_secret", REDACTED, problem, "Remove it after the exchange of the secret")


def _scheme(url: str) -> str:
    parts = _split(url)
    return parts.scheme if parts else ""


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL with a scheme and a host; None for anything else."""
    try:
        parts = urlsplit(url)
        valid = bool(parts.scheme and parts.hostname and (parts.port is None or parts.port))
    except ValueError:  # an invalid port or address
        return None
    return parts if valid and not re.search(r"\s", url) else None


def _is_private(host: str) -> bool:
    """Return whether a host of a URL is not reachable from the internet, as far as its name or address says."""
    if is_address(host):
        return not ipaddress.ip_address(host).is_global
    return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan"))
