"""Templates, and `hsm`, their deprecated form (docs/reference/vendor-contract.md#messages). The upstream checks that a template exists."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from msgspec import Meta, field

from ..schema.common import END
from .common import Language, Link, Part, length, require
from .location_and_contacts import Location
from .media import CaptionedMedia, Document, ProviderName

Position = Annotated[int, Meta(ge=0, le=9)] | Annotated[str, Meta(pattern=f"^[0-9]{END}")]
Thousandths = Annotated[int, Meta(ge=-(2**53), le=2**53)]
SubType = Literal[
    "quick_reply",
    "url",
    "copy_code",
    "catalog",
    "mpm",
    "flow",
    "QUICK_REPLY",
    "URL",
    "COPY_CODE",
    "CATALOG",
    "MPM",
    "FLOW",
]
MEDIA = ("image", "video", "document")
LONGEST_VALUE = 1024  # characters of one parameter; a whole template has no more


class Currency(Part):
    """An amount of money, in thousandths."""

    fallback_value: Annotated[str, length(LONGEST_VALUE)]
    code: Annotated[str, length(3, 3)]
    amount_1000: Thousandths


class DateTime(Part):
    """A date, as text."""

    fallback_value: Annotated[str, length(LONGEST_VALUE)]


class TemplateProduct(Part):
    """An item of the catalog."""

    product_retailer_id: Annotated[str, length(200)]
    catalog_id: Annotated[str, length(64)] | None = None


class Offer(Part):
    """A limited-time offer."""

    expiration_time_ms: Annotated[int, Meta(ge=0, le=2**53)]


class Parameter(Part):
    """The value of a placeholder. The field of its own type is required.

    action: of a catalog, multi-product or flow button, passed on unchanged. A medium may also be described by `link` or `id` in the parameter
    itself, as the vendor's own request collection does.
    """

    type: Literal[
        "text",
        "currency",
        "date_time",
        "image",
        "video",
        "document",
        "location",
        "product",
        "payload",
        "coupon_code",
        "action",
        "limited_time_offer",
    ]
    parameter_name: Annotated[str, length(64)] | None = None
    text: Annotated[str, length(LONGEST_VALUE)] | None = None
    payload: Annotated[str, length(256)] | None = None
    currency: Currency | None = None
    date_time: DateTime | None = None
    image: CaptionedMedia | None = None
    video: CaptionedMedia | None = None
    document: Document | None = None
    location: Location | None = None
    product: TemplateProduct | None = None
    coupon_code: Annotated[str, length(20)] | None = None
    action: dict[str, Any] | None = None
    limited_time_offer: Offer | None = None
    id: Annotated[str, length(64)] | None = None
    link: Link | None = None
    provider: ProviderName | None = None
    caption: Annotated[str, length(1024, 0)] | None = None
    filename: Annotated[str, length(240)] | None = None

    def __post_init__(self) -> None:
        if self.type in MEDIA and (self.id or self.link) and getattr(self, self.type) is None:
            setattr(self, self.type, self._own_medium())
        self.id = self.link = self.provider = self.caption = self.filename = None
        require("parameter", **{self.type: getattr(self, self.type)})

    def _own_medium(self) -> CaptionedMedia:
        medium: dict[str, Any] = {"id": self.id, "link": self.link, "provider": self.provider, "caption": self.caption}
        return Document(**medium, filename=self.filename) if self.type == "document" else CaptionedMedia(**medium)


class Component(Part):
    """A part of a template with placeholders.

    sub_type: in upper or lower case. index: optional, because a template with one button needs none. parameters: a single parameter may be sent
    without a list.
    """

    type: Literal["header", "body", "footer", "button", "carousel", "limited_time_offer"]
    sub_type: SubType | None = None
    index: Position | None = None
    parameters: Annotated[list[Parameter], Meta(max_length=64)] | Parameter = field(default_factory=list)
    cards: Annotated[list[Card], Meta(max_length=10)] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.parameters, Parameter):
            self.parameters = [self.parameters]
        if self.type == "button":
            require("component", sub_type=self.sub_type)
        if self.type == "carousel":
            require("component", cards=self.cards)
        if self.sub_type is not None:
            self.sub_type = cast("SubType", self.sub_type.lower())


class Card(Part):
    """A card of a carousel."""

    card_index: Annotated[int, Meta(ge=0, le=9)]
    components: Annotated[list[Component], Meta(max_length=16)]


class Template(Part):
    """A message whose text was approved in advance."""

    namespace: Annotated[str, length(128)]
    name: Annotated[str, length(512)]
    language: Language
    components: Annotated[list[Component], Meta(max_length=16)] = field(default_factory=list)


class LocalizableCurrency(Part):
    """An amount of money in an hsm, in thousandths."""

    currency_code: Annotated[str, length(3, 3)]
    amount_1000: Thousandths


class UnixEpoch(Part):
    """A time, in seconds since 1970."""

    timestamp: Annotated[int, Meta(ge=0, le=2**53)]


class DateTimeComponent(Part):
    """A time in parts. A missing part is not displayed."""

    day_of_week: Annotated[int, Meta(ge=1, le=7)] | None = None
    day_of_month: Annotated[int, Meta(ge=1, le=31)] | None = None
    year: Annotated[int, Meta(ge=0, le=9999)] | None = None
    month: Annotated[int, Meta(ge=1, le=12)] | None = None
    hour: Annotated[int, Meta(ge=0, le=23)] | None = None
    minute: Annotated[int, Meta(ge=0, le=59)] | None = None


class LocalizableDateTime(Part):
    """A time in an hsm."""

    component: DateTimeComponent | None = None
    unix_epoch: UnixEpoch | None = None


class LocalizableParameter(Part):
    """The value of a placeholder of an hsm."""

    default: Annotated[str, length(LONGEST_VALUE)]
    currency: LocalizableCurrency | None = None
    date_time: LocalizableDateTime | None = None


class Hsm(Part):
    """The deprecated form of a template, without header and buttons."""

    namespace: Annotated[str, length(128)]
    element_name: Annotated[str, length(512)]
    language: Language
    localizable_params: Annotated[list[LocalizableParameter], Meta(max_length=64)] = field(default_factory=list)
