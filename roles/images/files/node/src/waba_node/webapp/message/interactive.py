"""Interactive messages: lists, reply buttons, products (docs/reference/vendor-contract.md#messages). The bounds are the vendor's."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .common import Part, forbid, length, require, require_at_most, require_unique
from .media import CaptionedMedia, Document

MOST_ROWS = 10  # in all sections of a list
MOST_PRODUCTS = 30  # in all sections of a product list


class Header(Part):
    """The part above the body."""

    type: Literal["text", "image", "video", "document"]
    text: Annotated[str, length(60)] | None = None
    image: CaptionedMedia | None = None
    video: CaptionedMedia | None = None
    document: Document | None = None

    def __post_init__(self) -> None:
        require("header", **{self.type: getattr(self, self.type)})


class Body(Part):
    """The text of the message."""

    text: Annotated[str, length(1024)]


class Footer(Part):
    """The text below the body."""

    text: Annotated[str, length(60)]


class Row(Part):
    """One choice of a list."""

    id: Annotated[str, length(200)]
    title: Annotated[str, length(24)]
    description: Annotated[str, length(72, 0)] | None = None


class Product(Part):
    """One item of the catalog."""

    product_retailer_id: Annotated[str, length(200)]


class Section(Part):
    """A section with `rows` (of a list) or `product_items` (of a product list)."""

    title: Annotated[str, length(24, 0)] | None = None
    rows: Annotated[list[Row], Meta(min_length=1, max_length=MOST_ROWS)] | None = None
    product_items: Annotated[list[Product], Meta(min_length=1, max_length=MOST_PRODUCTS)] | None = None


class Reply(Part):
    """The label of a button, and the id that a press reports."""

    id: Annotated[str, length(256)]
    title: Annotated[str, length(20)]


class Button(Part):
    """A reply button."""

    type: Literal["reply"]
    reply: Reply


class Action(Part):
    """The choices of the recipient. The type of the message decides which fields are required."""

    button: Annotated[str, length(20)] | None = None
    buttons: Annotated[list[Button], Meta(min_length=1, max_length=3)] | None = None
    sections: Annotated[list[Section], Meta(min_length=1, max_length=10)] | None = None
    catalog_id: Annotated[str, length(64)] | None = None
    product_retailer_id: Annotated[str, length(200)] | None = None


class Interactive(Part):
    """An interactive message."""

    type: Literal["list", "button", "product", "product_list"]
    action: Action
    header: Header | None = None
    body: Body | None = None
    footer: Footer | None = None

    def __post_init__(self) -> None:
        CHECKS[self.type](self, self.action)


def _check_list(message: Interactive, action: Action) -> None:
    require("interactive", body=message.body)
    require("action", button=action.button, sections=action.sections)
    forbid("action", "a list", buttons=action.buttons)
    _require_text_header(message, "a list")
    sections = _require_titles(action)
    for section in sections:
        require("section", rows=section.rows)
    rows = [row for section in sections for row in section.rows or ()]
    require_at_most("the list", len(rows), MOST_ROWS)
    require_unique("the ids of rows", (row.id for row in rows))


def _check_buttons(message: Interactive, action: Action) -> None:
    require("interactive", body=message.body)
    require("action", buttons=action.buttons)
    forbid("action", "a message with buttons", button=action.button, sections=action.sections)
    replies = [button.reply for button in action.buttons or ()]
    require_unique("the ids of buttons", (reply.id for reply in replies))
    require_unique("the titles of buttons", (reply.title for reply in replies))


def _check_product(message: Interactive, action: Action) -> None:
    require("action", catalog_id=action.catalog_id, product_retailer_id=action.product_retailer_id)
    forbid("interactive", "a product message", header=message.header)
    forbid("action", "a product message", buttons=action.buttons, sections=action.sections)


def _check_products(message: Interactive, action: Action) -> None:
    require("interactive", header=message.header, body=message.body)
    require("action", catalog_id=action.catalog_id, sections=action.sections)
    forbid("action", "a product list", buttons=action.buttons)
    _require_text_header(message, "a product list")
    sections = _require_titles(action)
    for section in sections:
        require("section", product_items=section.product_items)
    require_at_most("the product list", sum(len(section.product_items or ()) for section in sections), MOST_PRODUCTS)


def _require_text_header(message: Interactive, kind: str) -> None:
    if message.header is not None and message.header.type != "text":
        raise ValueError(f"the header of {kind} must be a text")


def _require_titles(action: Action) -> list[Section]:
    """Return the sections of an action. Each of several sections needs a title. Raises ApiError 1008."""
    sections = action.sections or []
    if len(sections) > 1:
        for section in sections:
            require("section", title=section.title or None)
    return sections


CHECKS = {
    "list": _check_list,
    "button": _check_buttons,
    "product": _check_product,
    "product_list": _check_products,
}
