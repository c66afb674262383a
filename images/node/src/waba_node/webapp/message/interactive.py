"""Interactive messages: lists, reply buttons, products (vendor facts, section 2.6; the bounds are documented there by Meta)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .common import Part, at_most, needed, not_wanted, text_type, unique
from .media import CaptionedMedia, Document

MOST_ROWS = 10  # of all sections of a list
MOST_PRODUCTS = 30  # of all sections of a product list


class Header(Part):
    """What stands above the body."""

    type: Literal["text", "image", "video", "document"]
    text: text_type(60) | None = None
    image: CaptionedMedia | None = None
    video: CaptionedMedia | None = None
    document: Document | None = None

    def __post_init__(self) -> None:
        needed("header", **{self.type: getattr(self, self.type)})


class Body(Part):
    """The text itself."""

    text: text_type(1024)


class Footer(Part):
    """What stands below the body."""

    text: text_type(60)


class Row(Part):
    """One choice of a list."""

    id: text_type(200)
    title: text_type(24)
    description: text_type(72, 0) | None = None


class Product(Part):
    """One article of the catalogue."""

    product_retailer_id: text_type(200)


class Section(Part):
    """A part of a list, with rows, or of a product list, with product_items."""

    title: text_type(24, 0) | None = None
    rows: Annotated[list[Row], Meta(min_length=1, max_length=MOST_ROWS)] | None = None
    product_items: Annotated[list[Product], Meta(min_length=1, max_length=MOST_PRODUCTS)] | None = None


class Reply(Part):
    """What a button says, and what comes back when it is pressed."""

    id: text_type(256)
    title: text_type(20)


class Button(Part):
    """A reply button."""

    type: Literal["reply"]
    reply: Reply


class Action(Part):
    """What the receiver can do; which fields are needed depends on the type of the message."""

    button: text_type(20) | None = None
    buttons: Annotated[list[Button], Meta(min_length=1, max_length=3)] | None = None
    sections: Annotated[list[Section], Meta(min_length=1, max_length=10)] | None = None
    catalog_id: text_type(64) | None = None
    product_retailer_id: text_type(200) | None = None


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
    needed("interactive", body=message.body)
    needed("action", button=action.button, sections=action.sections)
    not_wanted("action", "a list", buttons=action.buttons)
    _text_header(message, "a list")
    for section in _titled(action.sections):
        needed("section", rows=section.rows)
    rows = [row for section in action.sections for row in section.rows]
    at_most("the list", len(rows), MOST_ROWS)
    unique("the ids of rows", (row.id for row in rows))


def _check_buttons(message: Interactive, action: Action) -> None:
    needed("interactive", body=message.body)
    needed("action", buttons=action.buttons)
    not_wanted("action", "a message with buttons", button=action.button, sections=action.sections)
    unique("the ids of buttons", (button.reply.id for button in action.buttons))
    unique("the titles of buttons", (button.reply.title for button in action.buttons))


def _check_product(message: Interactive, action: Action) -> None:
    needed("action", catalog_id=action.catalog_id, product_retailer_id=action.product_retailer_id)
    not_wanted("interactive", "a product message", header=message.header)
    not_wanted("action", "a product message", buttons=action.buttons, sections=action.sections)


def _check_products(message: Interactive, action: Action) -> None:
    needed("interactive", header=message.header, body=message.body)
    needed("action", catalog_id=action.catalog_id, sections=action.sections)
    not_wanted("action", "a product list", buttons=action.buttons)
    _text_header(message, "a product list")
    for section in _titled(action.sections):
        needed("section", product_items=section.product_items)
    at_most("the product list", sum(len(section.product_items) for section in action.sections), MOST_PRODUCTS)


def _text_header(message: Interactive, what: str) -> None:
    if message.header is not None and message.header.type != "text":
        raise ValueError(f"the header of {what} must be a text")


def _titled(sections: list[Section]) -> list[Section]:
    """Return the sections; where there are several, each needs a title (documented)."""
    if len(sections) > 1:
        for section in sections:
            needed("section", title=section.title or None)
    return sections


CHECKS = {
    "list": _check_list,
    "button": _check_buttons,
    "product": _check_product,
    "product_list": _check_products,
}
