"""The table of calls names every call of the API."""

from __future__ import annotations

from collections import Counter

from waba_node.upstream.cloud.translation.calls import CALLS
from waba_node.upstream.cloud.translation.messages import ENVELOPE, INTERACTIVE, MESSAGES, PARAMETERS, SHAPES
from waba_node.upstream.cloud.translation.sources import SOURCES
from waba_node.webapp.calls import CALLS as API
from waba_node.webapp.calls.retired import CALLS as RETIRED
from waba_node.webapp.message import MESSAGE_TYPES, Message, interactive, location_and_contacts, media, template


def test_every_call_is_in_one_row() -> None:
    named = Counter(call for rule in CALLS for call in rule.calls)
    assert named == Counter(f"{call.method} {call.path}" for call in API if call not in RETIRED)


def test_a_call_without_a_counterpart_has_a_reason() -> None:
    assert [rule.calls for rule in CALLS if not rule.cloud and not rule.note] == []


def test_every_row_names_known_sources() -> None:
    assert {source for rule in CALLS for source in rule.source.split()} <= SOURCES.keys()


def test_every_field_of_a_message_is_in_a_table() -> None:
    assert ENVELOPE.keys() | MESSAGES.keys() == set(Message.__struct_fields__)
    assert MESSAGES.keys() == set(MESSAGE_TYPES)


STRUCTS = {  # shape -> the types of the API whose fields it describes
    "text": (),
    "captioned_file": (media.CaptionedMedia,),
    "document": (media.Document,),
    "file": (media.CaptionedMedia,),
    "named_file": (media.Document,),
    "location": (location_and_contacts.Location,),
    "contact": (location_and_contacts.ContactCard,),
    "name": (location_and_contacts.PersonName,),
    "address": (location_and_contacts.Address,),
    "email": (location_and_contacts.Email,),
    "organization": (location_and_contacts.Organization,),
    "phone": (location_and_contacts.Phone,),
    "url": (location_and_contacts.Url,),
    "template": (template.Template,),
    "language": (template.Language,),
    "component": (template.Component,),
    "card": (template.Card,),
    "currency": (template.Currency,),
    "date_time": (template.DateTime,),
    "template_product": (template.TemplateProduct,),
    "offer": (template.Offer,),
    "hsm": (template.Hsm,),
    "localizable": (template.LocalizableParameter,),
    "localizable_currency": (template.LocalizableCurrency,),
    "header": (interactive.Header,),
    "sentence": (interactive.Body, interactive.Footer),
    "button": (interactive.Button,),
    "reply": (interactive.Reply,),
    "row": (interactive.Row,),
    "product_item": (interactive.Product,),
}


def test_every_field_of_an_object_is_in_its_shape() -> None:
    missing = {
        (name, field)
        for name, structs in STRUCTS.items()
        for struct in structs
        for field in struct.__struct_fields__
        if field not in {described.name for described in SHAPES[name].fields}
    }
    assert missing == set()


def test_every_parameter_and_interactive_type_is_in_a_table() -> None:
    of_files = {
        "id",
        "link",
        "provider",
        "caption",
        "filename",
    }  # of a file in the parameter itself: the API moves them
    assert set(template.Parameter.__struct_fields__) - of_files == {"type", "parameter_name", *PARAMETERS}
    assert {f"interactive_{form}" for form in INTERACTIVE} <= SHAPES.keys()
    assert interactive.CHECKS.keys() == set(INTERACTIVE)
