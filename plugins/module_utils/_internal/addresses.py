# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Host names and literal addresses, of IPv4 and IPv6. Pure."""

from __future__ import annotations

import ipaddress
import re

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def is_address(text: str) -> bool:
    """Return whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_host(text: str) -> bool:
    """Return whether a text is a host name or an IP address, without a port, brackets or a zone."""
    return "%" not in text and bool(NAME.fullmatch(text) or is_address(text))


def in_url(host: str) -> str:
    """Return a host as it stands in a URL and before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def is_ipv6(host: str) -> bool:
    """Return whether a host is a literal IPv6 address."""
    return ":" in host and is_address(host)


def normalized(host: str) -> str:
    """Return a host in the form in which two of them are compared: an address as Python prints it, a name in lower case."""
    return str(ipaddress.ip_address(host)) if is_address(host) else host.lower()


def is_own(host: str) -> bool:
    """Return whether a name or address is that of the machine itself, on every machine."""
    if not is_address(host):
        return host.lower().startswith("localhost")
    address = ipaddress.ip_address(host)
    return address.is_loopback or address.is_unspecified
