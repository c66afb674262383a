"""Translates a stored on-premises message to a body of the Cloud API (docs/reference/cloud-api.md#messages)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .errors import Untranslatable
from .shapes import Field, Json, Rule, Shape, copy_field, fields, files_in

BSUID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")  # the id of a user without a phone number
MOST_BUTTONS = 10  # of a template


@dataclass(frozen=True)
class MediaReference:
    """A file in a message. kind: image, video, audio, document or sticker. Either media_id or link is given."""

    kind: str
    media_id: str | None
    link: str | None
    provider: str | None
    filename: str | None


@dataclass(frozen=True)
class EnvelopeRule:
    """A field beside the content. cloud: its counterpart, "" without one."""

    cloud: str
    note: str
    source: str


@dataclass(frozen=True)
class ContentRule:
    """The content of a type of message. cloud: the type in the Cloud API. field: the treatment of the content."""

    cloud: str
    field: Field
    note: str
    source: str


ENVELOPE: dict[str, EnvelopeRule] = {  # on-premises field -> rule
    "to": EnvelopeRule(
        "`to` or `recipient`",
        "The digits with a leading `+`: without it, Meta may prepend the country code of the business. "
        "The id of a user without a phone number goes to `recipient`.",
        "send bsuid",
    ),
    "type": EnvelopeRule("`type`", "The same names, except `hsm`.", "openapi"),
    "recipient_type": EnvelopeRule("`recipient_type`", "Always `individual`. Groups are refused with 1002.", "groups"),
    "preview_url": EnvelopeRule("`text.preview_url`", "Moves into the text.", "text"),
    "context": EnvelopeRule(
        "`context.message_id`",
        "The id of a sent message becomes its id in the Cloud API. A message whose id there is unknown is not quoted.",
        "replies decision",
    ),
    "ttl": EnvelopeRule(
        "",
        "The cluster fails a message with 410 if it was not sent in time. Once handed over, a message cannot be "
        "recalled; a template has a time to live of its own.",
        "ttl send",
    ),
    "biz_opaque_callback_data": EnvelopeRule(
        "",
        "The field carries the correlation id of the cluster. The client's value is stored and returned with every "
        "status.",
        "changelog decision",
    ),
}

PARAMETERS: dict[str, Field] = {  # type of a template parameter -> its field
    field.name: replace(field, of=field.name)
    for field in (
        Field(
            "text",
            note="Line breaks, tabs and more than four blanks in a row are passed on; Meta refuses them.",
        ),
        Field("currency", shape="currency"),
        Field("date_time", shape="date_time", note="Meta always displays the fallback."),
        Field("image", Rule.FILE, "file"),
        Field("video", Rule.FILE, "file"),
        Field("document", Rule.FILE, "named_file"),
        Field("location", shape="location"),
        Field("product", shape="template_product"),
        Field("payload", Rule.TRIM, required=True),
        Field("coupon_code", Rule.TRIM, required=True),
        Field("action", shape="template_action"),
        Field("limited_time_offer", shape="offer"),
    )
}


def _typed(thing: dict[str, Any]) -> dict[str, Any]:
    """Return an object that has the field which its type names. Raises Untranslatable otherwise."""
    kind = thing.get("type")
    if kind not in thing:
        raise Untranslatable(1009, f"the Cloud API has no parameter or header of type {kind!r}, or its value is empty")
    return thing


def _component(component: dict[str, Any]) -> dict[str, Any]:
    """Return a component, {} for one without content."""
    kind = component.get("type")
    if kind == "button":
        return {**component, "sub_type": component.get("sub_type", "").lower()}
    if kind == "footer" and "parameters" in component:
        raise Untranslatable(1010, "the footer of a template has no parameters in the Cloud API")
    return component if len(component) > 1 else {}


def _with_positions(holder: dict[str, Any]) -> dict[str, Any]:
    """Return a template or card whose buttons have their position, as text. A missing position becomes the lowest that is free.

    A button without parameters is left out: the Cloud API requires them, and the button of the template needs none.
    """
    buttons = [component for component in holder.get("components", ()) if component["type"] == "button"]
    taken = {str(button["index"]) for button in buttons if "index" in button}
    free = (str(position) for position in range(MOST_BUTTONS) if str(position) not in taken)
    for button in buttons:
        position = str(button["index"]) if "index" in button else next(free, None)
        if position is None:
            raise Untranslatable(1009, f"a template has at most {MOST_BUTTONS} buttons in the Cloud API")
        button["index"] = position
    components = [each for each in holder.get("components", ()) if each["type"] != "button" or "parameters" in each]
    others = {name: value for name, value in holder.items() if name != "components"}
    return {**others, "components": components} if components else others


def _with_name_part(name: dict[str, Any]) -> dict[str, Any]:
    """Return a name with a part beside the formatted name, which the Cloud API requires."""
    return name if len(name) > 1 else {**name, "first_name": name.get("formatted_name", "")}


def _action(action: dict[str, Any]) -> dict[str, Any]:
    """Return an action. Refuse one that was valid only because of blanks."""
    replies = [button["reply"] for button in action.get("buttons", ())]
    sections = action.get("sections", ())
    texts = {
        "the ids of buttons": [reply["id"] for reply in replies],
        "the titles of buttons": [reply["title"] for reply in replies],
        "the ids of rows": [row["id"] for section in sections for row in section.get("rows", ())],
    }
    for name, values in texts.items():
        if len(set(values)) < len(values):
            raise Untranslatable(1009, f"{name} must differ in more than the blanks at their ends")
    if len(sections) > 1 and not all("title" in section for section in sections):
        raise Untranslatable(1009, "the title of a section is blank, which the Cloud API refuses")
    return action


FILE_FIELDS = (
    Field("id", Rule.REPLACED, note="The file is uploaded when it is first sent."),
    Field("link", Rule.REPLACED, note="The cluster fetches and uploads the file, or passes a public link on."),
    Field("provider", Rule.DROP, note="The cluster fetches the file with the credentials of the provider."),
)
SENTENCES = (
    Field("header", shape="header"),
    Field("body", shape="sentence"),
    Field("footer", shape="sentence"),
)

SHAPES: dict[str, Shape] = {
    "text": Shape((Field("body"),), "text"),
    "file": Shape((*FILE_FIELDS, Field("caption", Rule.DROP, note="Not allowed here.")), "media migration"),
    "captioned_file": Shape((*FILE_FIELDS, Field("caption")), "images videos"),
    "named_file": Shape(
        (*FILE_FIELDS, Field("caption", Rule.DROP, note="Not allowed here."), Field("filename")), "components"
    ),
    "document": Shape((*FILE_FIELDS, *fields("caption filename")), "documents"),
    "location": Shape(fields("latitude longitude name address"), "locations"),
    "contact": Shape(
        (
            Field("name", shape="name"),
            Field("birthday"),
            Field("addresses", shape="address"),
            Field("emails", shape="email"),
            Field("org", shape="organization"),
            Field("phones", shape="phone"),
            Field("urls", shape="url"),
        ),
        "contact-cards",
    ),
    "name": Shape(
        (
            Field(
                "formatted_name", note="Repeated as `first_name` if no other part is given, since Meta requires one."
            ),
            *fields("first_name last_name middle_name prefix suffix"),
        ),
        "contact-cards",
        _with_name_part,
    ),
    "address": Shape(fields("street city state zip country country_code type"), "contact-cards"),
    "email": Shape(fields("email type"), "contact-cards"),
    "organization": Shape(fields("company department title"), "contact-cards"),
    "phone": Shape(fields("phone type wa_id"), "contact-cards"),
    "url": Shape(fields("url type"), "contact-cards"),
    "template": Shape(
        (
            Field("namespace", Rule.DROP, note="Templates of the Cloud API have none."),
            Field("name"),
            Field("language", shape="language"),
            Field("components", shape="component"),
        ),
        "templates migration",
        _with_positions,
    ),
    "language": Shape(
        (Field("code"), Field("policy", Rule.DROP, note="Always deterministic; `fallback` has no counterpart.")),
        "templates",
    ),
    "component": Shape(
        (
            Field("type", note="A component without parameters or cards is left out; a footer has no parameters."),
            Field("sub_type", of="button", note="Lower case."),
            Field("index", of="button", note="As text. A missing one becomes the lowest position that is free."),
            Field("parameters", of="header body footer button limited_time_offer", shape="parameter"),
            Field("cards", of="carousel", shape="card"),
        ),
        "components migration",
        _component,
    ),
    "card": Shape((Field("card_index"), Field("components", shape="component")), "components", _with_positions),
    "parameter": Shape(
        (Field("type"), *PARAMETERS.values(), Field("parameter_name", of="text")), "templates openapi", _typed
    ),
    "currency": Shape(fields("fallback_value code amount_1000"), "openapi"),
    "date_time": Shape(fields("fallback_value"), "openapi"),
    "template_product": Shape(fields("product_retailer_id catalog_id"), "components"),
    "template_action": Shape(
        (
            Field("thumbnail_product_retailer_id", Rule.TRIM),
            Field("sections", shape="product_section"),
            Field("flow_token", Rule.TRIM),
            Field("flow_action_data", Rule.FREE),
        ),
        "mpm openapi",
    ),
    "offer": Shape(fields("expiration_time_ms"), "coupons"),
    "hsm": Shape(
        (
            Field("namespace", Rule.DROP, note="Templates of the Cloud API have none."),
            Field("element_name", note="Becomes `template.name`."),
            Field("language", shape="language"),
            Field("localizable_params", shape="localizable", note="Become the parameters of the body."),
        ),
        "contract openapi",
    ),
    "localizable": Shape(
        (
            Field("default", note="A text, or the fallback of a currency or date."),
            Field("currency", shape="localizable_currency"),
            Field("date_time", Rule.FREE, note="Only the default is sent: Meta displays nothing else."),
        ),
        "contract openapi",
    ),
    "localizable_currency": Shape(
        (Field("currency_code", note="Becomes `code`."), Field("amount_1000")), "contract openapi"
    ),
    "interactive_button": Shape(
        (Field("type"), *SENTENCES, Field("action", shape="button_action")), "reply-buttons migration"
    ),
    "interactive_list": Shape((Field("type"), *SENTENCES, Field("action", shape="list_action")), "lists migration"),
    "interactive_product": Shape(
        (Field("type"), *SENTENCES[1:], Field("action", shape="product_action")), "openapi migration"
    ),
    "interactive_product_list": Shape(
        (Field("type"), *SENTENCES, Field("action", shape="products_action")), "openapi migration"
    ),
    "header": Shape(
        (
            Field("type"),
            Field("text", of="text"),
            Field("image", Rule.FILE, "file", of="image"),
            Field("video", Rule.FILE, "file", of="video"),
            Field("document", Rule.FILE, "named_file", of="document"),
        ),
        "reply-buttons openapi",
        _typed,
    ),
    "sentence": Shape(fields("text"), "openapi"),
    "button_action": Shape((Field("buttons", shape="button"),), "reply-buttons", _action),
    "button": Shape((Field("type"), Field("reply", shape="reply")), "reply-buttons"),
    "reply": Shape(fields("id title", Rule.TRIM, required=True), "reply-buttons migration"),
    "list_action": Shape(
        (Field("button", Rule.TRIM, required=True), Field("sections", shape="row_section")), "lists migration", _action
    ),
    "row_section": Shape((Field("title", Rule.TRIM), Field("rows", shape="row")), "lists migration"),
    "row": Shape((*fields("id title", Rule.TRIM, required=True), Field("description", Rule.TRIM)), "lists migration"),
    "product_action": Shape(fields("catalog_id product_retailer_id", Rule.TRIM, required=True), "openapi migration"),
    "products_action": Shape(
        (Field("catalog_id", Rule.TRIM, required=True), Field("sections", shape="product_section")),
        "openapi migration",
        _action,
    ),
    "product_section": Shape(
        (Field("title", Rule.TRIM), Field("product_items", shape="product_item")), "openapi migration"
    ),
    "product_item": Shape(fields("product_retailer_id", Rule.TRIM, required=True), "openapi migration"),
}

MESSAGES: dict[str, ContentRule] = {  # on-premises type -> rule
    "text": ContentRule("text", Field("text", shape="text"), "", "text"),
    "image": ContentRule("image", Field("image", Rule.FILE, "captioned_file"), "", "images"),
    "video": ContentRule("video", Field("video", Rule.FILE, "captioned_file"), "", "videos"),
    "audio": ContentRule(
        "audio",
        Field("audio", Rule.FILE, "file"),
        "An Ogg file gets `voice: true`, so that it remains a voice message.",
        "audio migration decision",
    ),
    "document": ContentRule("document", Field("document", Rule.FILE, "document"), "", "documents"),
    "sticker": ContentRule("sticker", Field("sticker", Rule.FILE, "file"), "", "stickers"),
    "location": ContentRule("location", Field("location", shape="location"), "", "locations"),
    "contacts": ContentRule("contacts", Field("contacts", shape="contact"), "", "contact-cards"),
    "template": ContentRule("template", Field("template", shape="template"), "", "templates migration"),
    "hsm": ContentRule(
        "template",
        Field("hsm", shape="hsm"),
        "Becomes a template whose body has the parameters.",
        "contract openapi",
    ),
    "interactive": ContentRule(
        "interactive",
        Field("interactive"),
        "Texts in actions and buttons lose the blanks at their ends; one that is blank is refused with 1009.",
        "openapi migration",
    ),
}
INTERACTIVE = ("button", "list", "product", "product_list")  # types with a shape `interactive_<type>`


def media_references(payload: Json) -> list[MediaReference]:
    """Return the files of a message, those of headers and template parameters included. Never raises Untranslatable."""
    try:
        field = _content_field(payload)
    except Untranslatable:
        return []
    return [_reference(inner, given) for inner, given in files_in(SHAPES, field, payload.get(field.name))]


def quoted_message(payload: Json) -> str | None:
    """Return the id of the message that a message replies to, None if it is no reply."""
    message_id: str | None = (payload.get("context") or {}).get("message_id")
    return message_id


def to_cloud(
    payload: Json, *, callback_data: str, media: Mapping[MediaReference, Mapping[str, str]], quoted: str | None
) -> dict[str, Any]:
    """Return the body of POST /<phone-number-id>/messages for a stored message. Raises Untranslatable.

    callback_data: the correlation id. media: of each file of the message, its `id` or `link` in the Cloud API, and its `mime_type` if known.
    quoted: the id in the Cloud API of the message that this one replies to; without it, the message is no reply.
    """
    if payload.get("recipient_type", "individual") != "individual":
        raise Untranslatable(1002, "the Cloud API upstream sends to individual users only")

    def file(field: Field, given: Json) -> dict[str, Any]:
        found = media.get(_reference(field, given))
        if found is None or not (found.keys() & {"id", "link"}):
            raise Untranslatable(1006, f"the {field.name} of the message is not available")
        reference: dict[str, Any] = {"id": found["id"]} if "id" in found else {"link": found["link"]}
        if field.name == "audio" and is_voice(found.get("mime_type", "")):
            reference["voice"] = True
        return reference

    field = _content_field(payload)
    content = copy_field(SHAPES, field, payload.get(field.name), file)
    if not content:
        raise Untranslatable(1008, f"{field.name} is missing or empty")
    if field.name == "hsm":
        content = _template(content)
    if field.name == "text":
        content["preview_url"] = bool(payload.get("preview_url", False))
    kind = MESSAGES[field.name].cloud
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **recipient(payload["to"]),
        "type": kind,
        kind: content,
        **({"context": {"message_id": quoted}} if quoted else {}),
        "biz_opaque_callback_data": callback_data,
    }


def recipient(to: str) -> dict[str, str]:
    """Return the field that names a recipient: a phone number or the id of a user without one. Raises Untranslatable."""
    if BSUID.fullmatch(to):
        return {"recipient": to}
    digits = re.sub(r"[^0-9]", "", to)
    if not digits:
        raise Untranslatable(1009, f"{to[:40]!r} is neither a phone number nor the id of a user")
    return {"to": f"+{digits}"}


def is_voice(mime_type: str) -> bool:
    """Return whether an audio file is a voice message: Ogg, for which the Cloud API accepts Opus only."""
    kind, _separator, parameters = mime_type.lower().partition(";")
    return kind.strip() == "audio/ogg" and parameters.strip().replace(" ", "").replace('"', "") in ("", "codecs=opus")


def _content_field(payload: Json) -> Field:
    """Return the field with the content of a message. Raises Untranslatable."""
    kind = payload.get("type", "text")
    if kind not in MESSAGES:
        raise Untranslatable(501, f"the Cloud API upstream has no messages of type {kind!r}")
    if kind != "interactive":
        return MESSAGES[kind].field
    form = (payload.get("interactive") or {}).get("type")
    if form not in INTERACTIVE:
        raise Untranslatable(501, f"the Cloud API upstream has no interactive messages of type {form!r}")
    return Field("interactive", shape=f"interactive_{form}")


def _reference(field: Field, given: Json) -> MediaReference:
    provider = (given.get("provider") or {}).get("name")
    return MediaReference(field.name, given.get("id"), given.get("link"), provider, given.get("filename"))


def _template(hsm: Json) -> dict[str, Any]:
    """Return the template of an hsm."""
    parameters = [_parameter(value) for value in hsm.get("localizable_params", ())]
    components = [{"type": "body", "parameters": parameters}] if parameters else []
    named = {"name": hsm["element_name"], "language": hsm["language"]}
    return {**named, "components": components} if components else named


def _parameter(localizable: Json) -> dict[str, Any]:
    """Return the template parameter of a parameter of an hsm."""
    default = localizable["default"]
    if "currency" in localizable:
        currency = localizable["currency"]
        amount = {"code": currency["currency_code"], "amount_1000": currency["amount_1000"]}
        return {"type": "currency", "currency": {"fallback_value": default, **amount}}
    if "date_time" in localizable:
        return {"type": "date_time", "date_time": {"fallback_value": default}}
    return {"type": "text", "text": default}
