"""Example messages of every type, from the smallest to the largest."""

from __future__ import annotations

TO = "+4915112345678"
LINK = "https://example.com/file"
TEMPLATE = {"namespace": "shop", "name": "order_sent", "language": {"policy": "deterministic", "code": "en"}}

SECTIONS = [{"title": f"s{number}", "rows": [{"id": f"r{number}", "title": "t" * 24}]} for number in range(10)]
PRODUCTS = [
    {"title": f"s{n}", "product_items": [{"product_retailer_id": f"p{n}-{i}"} for i in range(3)]} for n in range(10)
]
BUTTONS = [{"type": "reply", "reply": {"id": f"b{number}", "title": f"Button {number}"}} for number in range(3)]


def interactive(kind: str, action: dict, **more: object) -> dict:
    return {"type": kind, "body": {"text": "Choose"}, "action": action, **more}


LIST = interactive("list", {"button": "Open", "sections": SECTIONS[:1]})
REPLY_BUTTONS = interactive("button", {"buttons": BUTTONS[:1]})
PRODUCT = {"type": "product", "action": {"catalog_id": "c", "product_retailer_id": "p"}}
PRODUCT_LIST = interactive(
    "product_list", {"catalog_id": "c", "sections": PRODUCTS[:1]}, header={"type": "text", "text": "New"}
)
CARD = {"name": {"formatted_name": "Ann Other"}}

CONTENTS: list[tuple[str, object]] = [
    ("text", {"body": "Hello"}),
    ("image", {"link": LINK, "caption": "A picture"}),
    ("image", {"link": "http://user:pass@example.com:8080/a?b=c#d", "provider": {"name": "store"}}),
    ("video", {"link": LINK, "caption": ""}),
    ("audio", {"link": LINK}),
    ("document", {"link": LINK, "caption": "c" * 1024, "filename": "f" * 240}),
    ("sticker", {"link": LINK}),
    ("template", TEMPLATE),
    (
        "template",
        {
            **TEMPLATE,
            "components": [
                {"type": "header", "parameters": [{"type": "image", "image": {"link": LINK}}]},
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "text": "Ann"},
                        {"type": "currency", "currency": {"fallback_value": "€1", "code": "EUR", "amount_1000": 1000}},
                        {"type": "date_time", "date_time": {"fallback_value": "today"}},
                    ],
                },
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "index": 0,
                    "parameters": [{"type": "payload", "payload": "x"}],
                },
                {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "x"}]},
            ],
        },
    ),
    (
        "hsm",
        {
            "namespace": "shop",
            "element_name": "hello",
            "language": {"policy": "fallback", "code": "de"},
            "localizable_params": [
                {"default": "10 €", "currency": {"currency_code": "EUR", "amount_1000": 10000}},
                {"default": "May 1", "date_time": {"component": {"month": 5, "day_of_month": 1}}},
                {"default": "May 1", "date_time": {"unix_epoch": {"timestamp": 1485470276}}},
            ],
        },
    ),
    ("interactive", LIST),
    ("interactive", interactive("list", {"button": "b" * 20, "sections": SECTIONS}, footer={"text": "f" * 60})),
    ("interactive", REPLY_BUTTONS),
    ("interactive", interactive("button", {"buttons": BUTTONS}, header={"type": "video", "video": {"link": LINK}})),
    ("interactive", PRODUCT),
    ("interactive", PRODUCT_LIST),
    (
        "interactive",
        interactive(
            "product_list", {"catalog_id": "c", "sections": PRODUCTS}, header={"type": "text", "text": "N" * 60}
        ),
    ),
    ("location", {"latitude": -90, "longitude": 180}),
    ("location", {"latitude": 52.5, "longitude": 13.4, "name": "Berlin", "address": "Germany"}),
    ("contacts", [CARD]),
    (
        "contacts",
        [
            {
                "name": {"formatted_name": "Ann Other", "first_name": "Ann", "last_name": "Other"},
                "birthday": "2000-02-29",
                "addresses": [{"city": "Berlin", "country_code": "de", "type": "HOME"}],
                "emails": [{"email": "ann@example.com", "type": "WORK"}],
                "org": {"company": "Shop"},
                "phones": [{"phone": "+49 151 12345678", "wa_id": "4915112345678"}],
                "urls": [{"url": "https://example.com"}],
            }
        ]
        * 50,
    ),
]


def message(kind: str, content: object, **more: object) -> dict:
    return {"to": TO, "type": kind, kind: content, **more}
