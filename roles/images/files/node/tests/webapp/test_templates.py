"""Templates: every documented component and parameter is accepted and passed on."""

from __future__ import annotations

from typing import get_args

import pytest
from message_support import LINK, TEMPLATE, message
from waba_node.webapp.body import convert
from waba_node.webapp.message import Message, payload_of
from waba_node.webapp.message.template import SubType

BUTTON_PARAMETERS = {  # sub_type -> a documented parameter
    "quick_reply": {"type": "payload", "payload": "yes"},
    "url": {"type": "text", "text": "order/7"},
    "copy_code": {"type": "coupon_code", "coupon_code": "25OFF"},
    "catalog": {"type": "action", "action": {"thumbnail_product_retailer_id": "p1"}},
    "mpm": {
        "type": "action",
        "action": {
            "thumbnail_product_retailer_id": "p1",
            "sections": [{"title": "New", "product_items": [{"product_retailer_id": "p1"}]}],
        },
    },
    "flow": {"type": "action", "action": {"flow_token": "t", "flow_action_data": {"screen": {"step": 1}}}},
}


def test_every_button_sub_type_has_a_documented_parameter() -> None:
    assert {sub_type.lower() for sub_type in get_args(SubType)} == BUTTON_PARAMETERS.keys()


@pytest.mark.parametrize("sub_type", get_args(SubType))
@pytest.mark.parametrize("position", [{"index": 0}, {"index": "0"}, {}])
def test_button_accepts_its_documented_parameter(sub_type: str, position: dict) -> None:
    parameter = BUTTON_PARAMETERS[sub_type.lower()]
    button = {"type": "button", "sub_type": sub_type, **position, "parameters": [parameter]}
    expected = {**button, "sub_type": sub_type.lower()}
    assert components([button]) == [expected]


def components(sent: list[dict]) -> list[dict]:
    """Return the components that are passed on for a template."""
    return payload_of(convert(message("template", {**TEMPLATE, "components": sent}), Message))["template"]["components"]


def test_single_parameter_may_be_sent_without_a_list() -> None:
    parameter = {"type": "text", "text": "Ann"}
    assert components([{"type": "body", "parameters": parameter}]) == [{"type": "body", "parameters": [parameter]}]


@pytest.mark.parametrize("kind", ["image", "video", "document"])
def test_medium_may_be_described_in_the_parameter_itself(kind: str) -> None:
    flat = {"type": "header", "parameters": [{"type": kind, "link": LINK, "caption": "c"}]}
    nested = {"type": "header", "parameters": [{"type": kind, kind: {"link": LINK, "caption": "c"}}]}
    assert components([flat]) == components([nested]) == [nested]


@pytest.mark.parametrize(
    "component",
    [
        {"type": "header", "parameters": [{"type": "location", "location": {"latitude": 1.5, "longitude": 2.5}}]},
        {"type": "header", "parameters": [{"type": "product", "product": {"product_retailer_id": "p"}}]},
        {"type": "body", "parameters": [{"type": "text", "text": "x", "parameter_name": "name"}]},
        {
            "type": "limited_time_offer",
            "parameters": [{"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1}}],
        },
        {
            "type": "carousel",
            "cards": [
                {
                    "card_index": 0,
                    "components": [
                        {"type": "header", "parameters": [{"type": "image", "image": {"link": LINK}}]},
                        {
                            "type": "button",
                            "sub_type": "url",
                            "index": "0",
                            "parameters": [{"type": "text", "text": "x"}],
                        },
                    ],
                }
            ],
        },
    ],
)
def test_component_is_passed_on_unchanged(component: dict) -> None:
    assert components([component]) == [component]
