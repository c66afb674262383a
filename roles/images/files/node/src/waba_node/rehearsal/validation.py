"""The messages that the API accepts, as types: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages.

The API rejects properties that it does not know. Codes: 100 for an unknown property, 131008 for a missing one, 131009 for a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from .errors import GraphError

NUMBER = re.compile(r"\+?[0-9() -]{5,25}")
USER_ID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
BAD_PARAMETER = re.compile(r"[\n\t]| {5}")

Text1024 = Annotated[str, Meta(min_length=1, max_length=1024)]
Text256 = Annotated[str, Meta(min_length=1, max_length=256)]
Text60 = Annotated[str, Meta(min_length=1, max_length=60)]
Nonempty = Annotated[str, Meta(min_length=1)]
Link = Annotated[str, Meta(pattern="^https?://")]
Digits = Annotated[str, Meta(pattern="^[0-9]{1,25}$")]
Degrees = float | Annotated[str, Meta(pattern=r"^-?[0-9]{1,3}(\.[0-9]+)?$")]


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """An object without other properties."""


class Body(Strict):
    body: Annotated[str, Meta(min_length=1, max_length=4096)]
    preview_url: bool = False


class Media(Strict):
    """A file at Meta, or behind a link."""

    id: Digits | UnsetType = UNSET
    link: Link | UnsetType = UNSET

    def __post_init__(self) -> None:
        if (self.id is UNSET) == (self.link is UNSET):
            raise ValueError("exactly one of id and link is needed")


class Captioned(Media):
    caption: Annotated[str, Meta(max_length=1024)] | UnsetType = UNSET


class Audio(Media):
    voice: bool = False


class Document(Captioned):
    filename: Text256 | UnsetType = UNSET


class HeaderDocument(Media):
    filename: Text256 | UnsetType = UNSET


class Location(Strict):
    latitude: Degrees
    longitude: Degrees
    name: str | UnsetType = UNSET
    address: str | UnsetType = UNSET


class Reaction(Strict):
    message_id: Nonempty
    emoji: str


class Context(Strict):
    message_id: Nonempty


# -- contacts ------------------------------------------------------------------------------------------------------------


class Name(Strict):
    formatted_name: Nonempty
    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    middle_name: str | UnsetType = UNSET
    suffix: str | UnsetType = UNSET
    prefix: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        if all(part is UNSET for part in (self.first_name, self.last_name, self.middle_name, self.suffix, self.prefix)):
            raise ValueError("a name needs a part beside formatted_name")


class Postal(Strict):
    street: str | UnsetType = UNSET
    city: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    zip: str | UnsetType = UNSET
    country: str | UnsetType = UNSET
    country_code: str | UnsetType = UNSET
    type: str | UnsetType = UNSET


class Email(Strict):
    email: str | UnsetType = UNSET
    type: str | UnsetType = UNSET


class Phone(Strict):
    phone: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    wa_id: str | UnsetType = UNSET


class Url(Strict):
    url: str | UnsetType = UNSET
    type: str | UnsetType = UNSET


class Organisation(Strict):
    company: str | UnsetType = UNSET
    department: str | UnsetType = UNSET
    title: str | UnsetType = UNSET


class Contact(Strict):
    name: Name
    addresses: list[Postal] | UnsetType = UNSET
    birthday: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] | UnsetType = UNSET
    emails: list[Email] | UnsetType = UNSET
    org: Organisation | UnsetType = UNSET
    phones: list[Phone] | UnsetType = UNSET
    urls: list[Url] | UnsetType = UNSET


# -- templates -----------------------------------------------------------------------------------------------------------


class Currency(Strict):
    fallback_value: Nonempty
    code: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    amount_1000: int


class DateTime(Strict):
    fallback_value: Nonempty


class TextParameter(Strict, tag_field="type", tag="text"):
    text: str
    parameter_name: Nonempty | UnsetType = UNSET


class CurrencyParameter(Strict, tag_field="type", tag="currency"):
    currency: Currency


class DateTimeParameter(Strict, tag_field="type", tag="date_time"):
    date_time: DateTime


class ImageParameter(Strict, tag_field="type", tag="image"):
    image: Media


class VideoParameter(Strict, tag_field="type", tag="video"):
    video: Media


class DocumentParameter(Strict, tag_field="type", tag="document"):
    document: HeaderDocument


class LocationParameter(Strict, tag_field="type", tag="location"):
    location: Location


class PayloadParameter(Strict, tag_field="type", tag="payload"):
    payload: Annotated[str, Meta(min_length=1, max_length=128)]


class CouponParameter(Strict, tag_field="type", tag="coupon_code"):
    coupon_code: Annotated[str, Meta(min_length=1, max_length=20)]


class ActionParameter(Strict, tag_field="type", tag="action"):
    action: dict[str, Any]


ValueParameter = TextParameter | CurrencyParameter | DateTimeParameter
HeaderParameter = ValueParameter | ImageParameter | VideoParameter | DocumentParameter | LocationParameter
ButtonParameter = PayloadParameter | TextParameter | CouponParameter | ActionParameter

BUTTONS = {  # sub type -> the type of its parameter
    "quick_reply": PayloadParameter,
    "url": TextParameter,
    "copy_code": CouponParameter,
    "catalog": ActionParameter,
    "mpm": ActionParameter,
    "flow": ActionParameter,
    "order_details": ActionParameter,
}


class HeaderComponent(Strict, tag_field="type", tag="header"):
    parameters: Annotated[list[HeaderParameter], Meta(min_length=1, max_length=1)]


class BodyComponent(Strict, tag_field="type", tag="body"):
    parameters: Annotated[list[ValueParameter], Meta(min_length=1)]


class ButtonComponent(Strict, tag_field="type", tag="button"):
    sub_type: str
    index: Annotated[str, Meta(pattern="^[0-9]$")] | Annotated[int, Meta(ge=0, le=9)]
    parameters: Annotated[list[ButtonParameter], Meta(min_length=1, max_length=1)]

    def __post_init__(self) -> None:
        wanted = BUTTONS.get(self.sub_type.lower())
        if wanted is None:
            raise ValueError(f"sub_type {self.sub_type!r} is not one of {', '.join(BUTTONS)}")
        if not isinstance(self.parameters[0], wanted):
            raise ValueError(f"the parameter of a {self.sub_type} button has another type")


class Offer(Strict):
    expiration_time_ms: int


class OfferParameter(Strict, tag_field="type", tag="limited_time_offer"):
    limited_time_offer: Offer


class OfferComponent(Strict, tag_field="type", tag="limited_time_offer"):
    parameters: Annotated[list[OfferParameter], Meta(min_length=1, max_length=1)]


class Card(Strict):
    card_index: Annotated[int, Meta(ge=0, le=9)]
    components: list[HeaderComponent | BodyComponent | ButtonComponent]


class CarouselComponent(Strict, tag_field="type", tag="carousel"):
    cards: Annotated[list[Card], Meta(min_length=1, max_length=10)]


class Language(Strict):
    code: Annotated[str, Meta(pattern="^[a-z]{2,3}(_[A-Z]{2,3})?$")]
    policy: Literal["deterministic"] = "deterministic"


class Template(Strict):
    name: Annotated[str, Meta(pattern="^[a-z0-9_]{1,512}$")]
    language: Language
    components: list[HeaderComponent | BodyComponent | ButtonComponent | OfferComponent | CarouselComponent] = []

    def parameters(self) -> Iterator[object]:
        """Yield the parameters of every component, those of cards included."""
        for component in self.components:
            if isinstance(component, CarouselComponent):
                for card in component.cards:
                    for inner in card.components:
                        yield from inner.parameters
            else:
                yield from component.parameters


# -- interactive ---------------------------------------------------------------------------------------------------------


class TextHeader(Strict, tag_field="type", tag="text"):
    text: Text60


class ImageHeader(Strict, tag_field="type", tag="image"):
    image: Media


class VideoHeader(Strict, tag_field="type", tag="video"):
    video: Media


class DocumentHeader(Strict, tag_field="type", tag="document"):
    document: HeaderDocument


AnyHeader = TextHeader | ImageHeader | VideoHeader | DocumentHeader


class LongText(Strict):
    text: Text1024


class ListText(Strict):
    text: Annotated[str, Meta(min_length=1, max_length=4096)]


class Footer(Strict):
    text: Text60


class Reply(Strict):
    id: Text256
    title: Annotated[str, Meta(min_length=1, max_length=20)]


class ReplyButton(Strict, tag_field="type", tag="reply"):
    reply: Reply


class ReplyButtons(Strict):
    buttons: Annotated[list[ReplyButton], Meta(min_length=1, max_length=3)]

    def __post_init__(self) -> None:
        for name in ("id", "title"):
            if len({getattr(button.reply, name) for button in self.buttons}) < len(self.buttons):
                raise ValueError(f"two buttons have the same {name}")


class Row(Strict):
    id: Annotated[str, Meta(min_length=1, max_length=200)]
    title: Annotated[str, Meta(min_length=1, max_length=24)]
    description: Annotated[str, Meta(max_length=72)] | UnsetType = UNSET


class Section(Strict):
    rows: Annotated[list[Row], Meta(min_length=1)]
    title: Annotated[str, Meta(min_length=1, max_length=24)] | UnsetType = UNSET


class ListAction(Strict):
    button: Annotated[str, Meta(min_length=1, max_length=20)]
    sections: Annotated[list[Section], Meta(min_length=1, max_length=10)]

    def __post_init__(self) -> None:
        rows = [row.id for section in self.sections for row in section.rows]
        if len(rows) > 10:
            raise ValueError("a list has at most 10 rows")
        if len(set(rows)) < len(rows):
            raise ValueError("two rows have the same id")
        if len(self.sections) > 1 and any(section.title is UNSET for section in self.sections):
            raise ValueError("each of several sections needs a title")


class ProductAction(Strict):
    catalog_id: Nonempty
    product_retailer_id: Nonempty


class ProductItem(Strict):
    product_retailer_id: Nonempty


class ProductSection(Strict):
    product_items: Annotated[list[ProductItem], Meta(min_length=1, max_length=30)]
    title: Annotated[str, Meta(min_length=1, max_length=24)] | UnsetType = UNSET


class ProductListAction(Strict):
    catalog_id: Nonempty
    sections: Annotated[list[ProductSection], Meta(min_length=1, max_length=10)]


class NamedAction(Strict):
    """The action of a type that on-premises clients do not have."""

    name: Nonempty
    parameters: dict[str, Any] | UnsetType = UNSET


class ButtonMessage(Strict, tag_field="type", tag="button"):
    body: LongText
    action: ReplyButtons
    header: AnyHeader | UnsetType = UNSET
    footer: Footer | UnsetType = UNSET


class ListMessage(Strict, tag_field="type", tag="list"):
    body: ListText
    action: ListAction
    header: TextHeader | UnsetType = UNSET
    footer: Footer | UnsetType = UNSET


class ProductMessage(Strict, tag_field="type", tag="product"):
    action: ProductAction
    body: LongText | UnsetType = UNSET
    footer: Footer | UnsetType = UNSET


class ProductListMessage(Strict, tag_field="type", tag="product_list"):
    header: TextHeader
    body: LongText
    action: ProductListAction
    footer: Footer | UnsetType = UNSET


class NamedMessage(Strict):
    body: LongText
    action: NamedAction
    header: AnyHeader | UnsetType = UNSET
    footer: Footer | UnsetType = UNSET


class CatalogMessage(NamedMessage, tag_field="type", tag="catalog_message"):
    pass


class CtaUrl(NamedMessage, tag_field="type", tag="cta_url"):
    pass


class Flow(NamedMessage, tag_field="type", tag="flow"):
    pass


class LocationRequest(NamedMessage, tag_field="type", tag="location_request_message"):
    pass


class AddressMessage(NamedMessage, tag_field="type", tag="address_message"):
    pass


Interactive = (
    ButtonMessage
    | ListMessage
    | ProductMessage
    | ProductListMessage
    | CatalogMessage
    | CtaUrl
    | Flow
    | LocationRequest
    | AddressMessage
)


# -- the request ---------------------------------------------------------------------------------------------------------


class Message(Strict):
    """The body of a send."""

    messaging_product: Literal["whatsapp"]
    to: str | UnsetType = UNSET
    recipient: str | UnsetType = UNSET
    recipient_type: Literal["individual"] = "individual"
    type: str = "text"
    context: Context | UnsetType = UNSET
    biz_opaque_callback_data: Annotated[str, Meta(max_length=512)] | UnsetType = UNSET
    recipient_identity_key_hash: Nonempty | UnsetType = UNSET
    text: Body | UnsetType = UNSET
    image: Captioned | UnsetType = UNSET
    video: Captioned | UnsetType = UNSET
    audio: Audio | UnsetType = UNSET
    document: Document | UnsetType = UNSET
    sticker: Media | UnsetType = UNSET
    location: Location | UnsetType = UNSET
    contacts: Annotated[list[Contact], Meta(min_length=1)] | UnsetType = UNSET
    reaction: Reaction | UnsetType = UNSET
    template: Template | UnsetType = UNSET
    interactive: Interactive | UnsetType = UNSET

    @property
    def content(self) -> Any:
        """Return the object that the type names."""
        return getattr(self, self.type)


CONTENTS = (
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "template",
    "interactive",
)


class TypingIndicator(Strict):
    type: Literal["text"]


class ReadMark(Strict):
    """The body that marks a message as read."""

    messaging_product: Literal["whatsapp"]
    status: Literal["read"]
    message_id: Nonempty
    typing_indicator: TypingIndicator | UnsetType = UNSET


def convert(body: object, kind: Any) -> Any:
    """Return a body as an object of a type. Raises GraphError."""
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        text = str(error)
        if "unknown field" in text:
            raise GraphError(100, text) from None
        if "missing required field" in text:
            raise GraphError(131008, text) from None
        raise GraphError(131009, text) from None


def read_message(body: dict[str, Any]) -> Message | ReadMark:
    """Return a valid message or read mark. Raises GraphError."""
    if "status" in body:
        mark: ReadMark = convert(body, ReadMark)
        return mark
    message: Message = convert(body, Message)
    if message.type not in CONTENTS:
        raise GraphError(131051 if message.type == "hsm" else 131009, f"type {message.type!r} is not supported")
    present = [name for name in CONTENTS if getattr(message, name) is not UNSET]
    if message.type not in present:
        raise GraphError(131008, f"the object {message.type} is missing")
    if len(present) > 1:  # our decision
        raise GraphError(100, f"a message of type {message.type} has no {', '.join(set(present) - {message.type})}")
    _check_recipient(message)
    if isinstance(message.template, Template):
        _check_template(message.template)
    if message.type == "interactive":
        _check_strings(body["interactive"].get("action"), "$.interactive.action")
    if message.type == "reaction" and message.context is not UNSET:
        raise GraphError(131009, "a reaction has no context")
    return message


def _check_recipient(message: Message) -> None:
    if message.to is UNSET and message.recipient is UNSET:
        raise GraphError(131008, "to or recipient is missing")
    if isinstance(message.to, str) and not (NUMBER.fullmatch(message.to) or USER_ID.fullmatch(message.to)):
        raise GraphError(131009, "to is not a phone number")
    if message.to is UNSET and isinstance(message.recipient, str) and not USER_ID.fullmatch(message.recipient):
        raise GraphError(131009, "recipient is not a business-scoped user id")


def _check_template(template: Template) -> None:
    """The code is 132018 since v23.0; users also saw 100."""
    for parameter in template.parameters():
        if isinstance(parameter, TextParameter) and (
            not parameter.text.strip() or BAD_PARAMETER.search(parameter.text)
        ):
            details = "Param text cannot have new-line/tab characters or more than 4 consecutive spaces, or be empty"
            raise GraphError(132018, details)


def _check_strings(value: object, path: str) -> None:
    """Refuse strings with white space at an end, which the API does in actions and buttons."""
    if isinstance(value, str) and value != value.strip():
        raise GraphError(131009, f"{path} begins or ends with white space")
    if isinstance(value, dict):
        for name, item in value.items():
            _check_strings(item, f"{path}.{name}")
    if isinstance(value, list):
        for position, item in enumerate(value):
            _check_strings(item, f"{path}[{position}]")


def media_ids(message: Message) -> list[str]:
    """Return the ids of Meta's files that a message refers to."""
    found: list[str] = []

    def collect(value: object) -> None:
        if isinstance(value, Media) and isinstance(value.id, str):
            found.append(value.id)
        if isinstance(value, msgspec.Struct):
            for name in value.__struct_fields__:
                collect(getattr(value, name))
        if isinstance(value, list):
            for item in value:
                collect(item)

    collect(message.content)
    return found
