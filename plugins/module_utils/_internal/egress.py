# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The HTTP proxy through which hosts reach package mirrors and registries: its settings, and the environment of a program that uses it. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.validation import REDACTED

# `argspec.EGRESS_OPTIONS`: "url", "direct" (destinations of the settings without the proxy), "hosts" (the cluster's own).
Proxy = Mapping[str, Any]

LOOPBACK = ("localhost", "127.0.0.0/8", "::1")
# The characters of a URL (RFC 3986). None of them ends a quoted value of apt.conf or of an environment file of systemd. Docker Engine prints a URL whose
# percent sign encodes nothing, with the password.
URL = re.compile(r"http://([A-Za-z0-9._~:/\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
NAME = re.compile(r"\.?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")  # a host, or a domain with all its hosts


def is_proxy(url: str) -> bool:
    """Return whether a text is the URL of an HTTP proxy: with a port, and without a path, a query or a fragment."""
    try:
        parts = urlsplit(url)
        return bool(URL.fullmatch(url) and parts.hostname and parts.port and not parts.path.strip("/"))
    except ValueError:  # an invalid port or address
        return False


def problem(variable: str) -> Problem:
    """Return the problem of a setting that is no URL of a proxy. The URL may contain a password."""
    fix = "Write it as in http://proxy.example.com:3128"
    return Problem(variable, REDACTED, "it is no URL of an HTTP proxy with a port", fix)


def problems(settings: Mapping[str, Any]) -> list[Problem]:
    """Return the problems of the settings of the proxy of hosts."""
    url, direct = settings["waba_proxy"], settings["waba_no_proxy"] or []
    found = [problem("waba_proxy")] if url and not is_proxy(url) else []
    fix = "Write it as in mirror.example.com, .example.com or 192.0.2.0/24"
    return found + [
        Problem(f"waba_no_proxy[{index}]", entry, "it is no host name, domain, address or network", fix)
        for index, entry in enumerate(direct)
        if not NAME.fullmatch(entry) and not _is_network(entry)
    ]


def variables(proxy: Proxy | None) -> dict[str, str]:
    """Return the environment variables of a program that uses a proxy, {} for none. Loopback and the cluster's hosts are always excepted."""
    if not proxy:
        return {}
    direct = dict.fromkeys([*LOOPBACK, *proxy["hosts"], *proxy["direct"]])
    return {"HTTP_PROXY": proxy["url"], "HTTPS_PROXY": proxy["url"], "NO_PROXY": ",".join(direct)}


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
