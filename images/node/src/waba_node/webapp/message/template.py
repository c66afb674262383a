"""Templates, and `hsm`, their deprecated form (docs/reference/vendor-contract.md#messages). The upstream checks that a template exists."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from ..schema.common import END
from .common import Language, Part, length, require
from .media import CaptionedMedia, Document

Position = Annotated[int, Meta(ge=0, le=9)] | Annotated[str, Meta(pattern=f"^[0-9]{END}")]
Thousandths = Annotated[int, Meta(ge=-(2**53), le=2**53)]
LONGEST_VALUE = 1024  # characters of one parameter; a whole template has no more


class Currency(Part):
    """An amount of money, in thousandths."""

    fallback_value: Annotated[str, length(LONGEST_VALUE)]
    code: Annotated[str, length(3, 3)]
    amount_1000: Thousandths


class DateTime(Part):
    """A date, as text."""

    fallback_value: Annotated[str, length(LONGEST_VALUE)]


class Parameter(Part):
    """The value of a placeholder. The field of its own type is required."""

    type: Literal["text", "currency", "date_time", "image", "video", "document", "payload"]
    text: Annotated[str, length(LONGEST_VALUE)] | None = None
    payload: Annotated[str, length(256)] | None = None
    currency: Currency | None = None
    date_time: DateTime | None = None
    image: CaptionedMedia | None = None
    video: CaptionedMedia | None = None
    document: Document | None = None

    def __post_init__(self) -> None:
        require("parameter", **{self.type: getattr(self, self.type)})


class Component(Part):
    """A part of a template with placeholders."""

    type: Literal["header", "body", "footer", "button"]
    sub_type: Literal["quick_reply", "url", "copy_code", "catalog", "mpm", "flow"] | None = None
    index: Position | None = None
    parameters: Annotated[list[Parameter], Meta(max_length=64)] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.type == "button":
            require("component", sub_type=self.sub_type, index=self.index)


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
