"""Throughput levels and restrictions of a phone number, from Meta's answers."""

from __future__ import annotations

from typing import Any

import pytest
from waba_node.upstream.cloud.translation.number import level_of, rate_of, restriction_of

BLOCKED = {"entity_type": "WABA", "id": "800", "can_send_message": "BLOCKED"}


@pytest.mark.parametrize(
    ("number", "level", "rate"),
    [
        ({"throughput": {"level": "STANDARD"}}, "STANDARD", 80),
        ({"throughput": {"level": "HIGH"}}, "HIGH", 1000),
        ({"throughput": {"level": "NOT_APPLICABLE"}}, "NOT_APPLICABLE", 80),
        ({"throughput": {"level": "x" * 1000}}, "UNKNOWN", 80),
        ({"throughput": {"level": 3}}, "UNKNOWN", 80),
        ({"throughput": None}, "UNKNOWN", 80),
        ({}, "UNKNOWN", 80),
    ],
)
def test_level_has_a_rate(number: dict[str, Any], level: str, rate: int) -> None:
    assert (level_of(number), rate_of(level_of(number))) == (level, rate)


@pytest.mark.parametrize(
    ("number", "restriction"),
    [
        ({"status": "CONNECTED"}, ""),
        ({"status": "FLAGGED"}, ""),
        ({"health_status": {"can_send_message": "LIMITED", "entities": [BLOCKED]}}, ""),
        ({"health_status": {"can_send_message": "BLOCKED"}}, "Meta blocks messages of the number"),
        (
            {
                "health_status": {
                    "can_send_message": "BLOCKED",
                    "entities": [{"can_send_message": "AVAILABLE"}, BLOCKED],
                }
            },
            "Meta blocks messages of the number: WABA 800: no reason given",
        ),
        (
            {
                "health_status": {
                    "can_send_message": "BLOCKED",
                    "entities": [{**BLOCKED, "errors": [{"error_description": "No\n payment  method"}]}],
                }
            },
            "Meta blocks messages of the number: WABA 800: No payment method",
        ),
        (
            {"health_status": {"can_send_message": "BLOCKED", "entities": [7, None]}},
            "Meta blocks messages of the number",
        ),
        ({"health_status": []}, ""),
        ({}, ""),
    ],
)
def test_restriction_is_one_line(number: dict[str, Any], restriction: str) -> None:
    assert restriction_of(number) == restriction
