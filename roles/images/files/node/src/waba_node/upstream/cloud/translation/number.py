"""The throughput level and the restriction of a phone number, as Meta reports them (docs/configure/cloud-api.md#behaviour).

Levels and rates: https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput. Health:
https://developers.facebook.com/documentation/business-messaging/whatsapp/support/health-status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

FIELDS = "id,display_phone_number,status,platform_type,throughput,health_status"
RATES = {"STANDARD": 80, "HIGH": 1000}  # messages per second, both directions together
LOWEST_RATE = RATES["STANDARD"]  # of a level that Meta has not documented
UNKNOWN = "UNKNOWN"
BLOCKED = "BLOCKED"
LONGEST_REASON = 200  # characters


def level_of(number: Mapping[str, Any]) -> str:
    """Return the throughput level in the fields of a number."""
    throughput = number.get("throughput")
    level = throughput.get("level") if isinstance(throughput, Mapping) else None
    return level if isinstance(level, str) and re.fullmatch(r"[A-Z_]{1,32}", level, re.ASCII) else UNKNOWN


def rate_of(level: str) -> int:
    """Return the messages per second of a throughput level."""
    return RATES.get(level, LOWEST_RATE)


def restriction_of(number: Mapping[str, Any]) -> str:
    """Return in one line why Meta blocks messages of a number that is connected, "" if it does not."""
    health = number.get("health_status")
    if not isinstance(health, Mapping) or health.get("can_send_message") != BLOCKED:
        return ""
    entities = health.get("entities")
    for entity in entities if isinstance(entities, list) else ():
        if isinstance(entity, Mapping) and entity.get("can_send_message") == BLOCKED:
            return f"Meta blocks messages of the number: {_reason(entity)}"[:LONGEST_REASON]
    return "Meta blocks messages of the number"


def _reason(entity: Mapping[str, Any]) -> str:
    errors = entity.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], Mapping) else {}
    text = " ".join(str(first.get("error_description") or "no reason given").split())
    return f"{entity.get('entity_type')} {entity.get('id')}: {text}"
