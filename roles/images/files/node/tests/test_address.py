"""Addresses of nodes as others call them."""

from __future__ import annotations

import pytest
from waba_node.address import NodeAddress, PortName


@pytest.mark.parametrize(
    ("hostname", "expected"),
    [
        ("core1.example.com", "core1.example.com:6252"),
        ("192.0.2.1", "192.0.2.1:6252"),
        ("2001:db8::1", "[2001:db8::1]:6252"),
    ],
)
def test_ipv6_address_is_in_brackets_before_a_port(hostname: str, expected: str) -> None:
    address = NodeAddress("core1:0123", "coreapp", hostname, (6250, 6251, 6252, 6253))
    assert address.at(PortName.CONTROL) == expected
