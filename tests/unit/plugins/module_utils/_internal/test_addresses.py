# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal import addresses
from hypothesis import given
from hypothesis import strategies as st


@given(st.ip_addresses(), st.integers(1, 65535))
def test_url_contains_the_address_and_the_port(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    parts = urlsplit(f"https://{addresses.in_url(str(address))}:{port}")
    assert (ipaddress.ip_address(parts.hostname or ""), parts.port) == (address, port)


@given(st.ip_addresses(v=6))
def test_spellings_of_an_address_are_equal(address: ipaddress.IPv6Address) -> None:
    spellings = {str(address), address.exploded, address.exploded.upper()}
    assert len(set(map(addresses.normalized, spellings))) == 1
    assert all(map(addresses.is_ipv6, spellings))


def test_names_are_compared_in_lower_case() -> None:
    assert addresses.normalized("Core1.Example.com") == "core1.example.com"
    assert not addresses.is_ipv6("core1.example.com")
    assert not addresses.is_ipv6("192.0.2.1")


def test_host_with_a_port_is_no_ipv6_address() -> None:
    assert not addresses.is_ipv6("core1.example.com:6250")


@pytest.mark.parametrize(
    "host", ["localhost", "Localhost.localdomain", "127.0.0.2", "::1", "0:0:0:0:0:0:0:1", "0.0.0.0", "::"]
)
def test_host_that_names_itself_everywhere_is_recognized(host: str) -> None:
    assert addresses.is_own(host)


@pytest.mark.parametrize("host", ["core1", "192.0.2.1", "::1234", "2001:db8::1", "fd00::1"])
def test_other_hosts_are_not_the_machine_itself(host: str) -> None:
    assert not addresses.is_own(host)


@pytest.mark.parametrize("host", ["core1", "core_1.example.com", "192.0.2.1", "2001:db8::", "::ffff:192.0.2.1"])
def test_names_and_addresses_are_hosts(host: str) -> None:
    assert addresses.is_host(host)


@pytest.mark.parametrize("host", ["", "core 1", "core1:6250", "[2001:db8::1]", "2001:db8::g", "fe80::1%eth0", "-core"])
def test_anything_else_is_no_host(host: str) -> None:
    assert not addresses.is_host(host)
