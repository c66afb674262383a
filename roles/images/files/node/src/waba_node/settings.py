"""The application settings: type, bounds and default of every field (docs/reference/vendor-contract.md#settings).

The bounds are our decision.
"""

from __future__ import annotations

import json
from functools import reduce
from typing import Annotated, Any, Literal, NamedTuple, Union
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, defstruct, field

from .lenient_json import fit, ignored

Seconds = Annotated[int, Meta(ge=1, le=3600)]
Milliseconds = Annotated[int, Meta(ge=1, le=86_400_000)]
MediaType = Literal["image", "video", "voice", "sticker", "audio", "document"]
HttpsUrl = Annotated[str, Meta(pattern=r"^(https://[^\s/]\S*)?(?![\s\S])", max_length=2048)]
Document = dict[str, Any]  # a JSON object

RESTART_NEEDED = ("callback_persist", "webhooks.max_concurrent_requests")  # they take effect when a coreapp restarts
HISTORIC = (  # settings of older releases of the vendor's client: stored and returned, without effect
    "contacts_api_rate_limit",
    "contacts_scrape_rate_limit",
    "db_garbagecollector_enable",
    "messaging_api_rate_limit",
    "tcp_listen_address",
)
READ_ONLY = {
    "wa_id": "wa_id is read-only and was ignored",
    "pass_through": "pass_through cannot be enabled since version 2.35 and was ignored",
}
LARGEST_HISTORIC_VALUE = 1000  # characters of JSON


class MessageWebhooks(Struct, forbid_unknown_fields=True):
    """The statuses that are reported by webhook."""

    sent: bool = True
    delivered: bool = True
    read: bool = True


class Webhooks(Struct, forbid_unknown_fields=True):
    """The receiver of webhooks."""

    url: HttpsUrl = ""
    max_concurrent_requests: Literal[6, 12, 18, 24] = 6
    message: MessageWebhooks = field(default_factory=MessageWebhooks)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)  # raises ValueError, as `port` does
        if self.url and (not parts.hostname or parts.port == 0):
            raise ValueError("url must name a host")


class Media(Struct, forbid_unknown_fields=True):
    """The kinds of media that are downloaded on arrival."""

    auto_download: list[MediaType] = field(default_factory=list)


class GarbageCollector(Struct, forbid_unknown_fields=True):
    """The automatic deletion of old media and messages."""

    media: bool = False
    messages: bool = True


class ApplicationSettings(Struct, forbid_unknown_fields=True):
    """The settings of the whole cluster.

    callback_persist has no effect: webhooks are always stored in the database. Our decision.
    """

    heartbeat_interval: Seconds = 5
    unhealthy_interval: Seconds = 30
    callback_backoff_delay_ms: Milliseconds = 3000
    max_callback_backoff_delay_ms: Milliseconds = 900_000
    callback_persist: bool = True
    sent_status: bool = True
    pass_through: bool = False
    show_security_notifications: bool = False
    notify_user_change_number: bool = True
    skip_referral_media_download: bool = False
    axolotl_context_striping_disabled: bool = False
    webhook_payload_conversation_pricingmodel_disabled: bool = False
    verbose_logging: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    on_call_pager: Annotated[str, Meta(max_length=128)] = ""
    garbagecollector_enable: GarbageCollector = field(default_factory=GarbageCollector)
    media: Media = field(default_factory=Media)
    webhooks: Webhooks = field(default_factory=Webhooks)

    def __post_init__(self) -> None:
        if self.unhealthy_interval < 2 * self.heartbeat_interval:  # otherwise one late answer is a failure
            raise ValueError("unhealthy_interval must be at least twice heartbeat_interval")
        if self.pass_through:
            raise ValueError("pass_through cannot be enabled")


def _partial(struct: type[Struct]) -> type[Struct]:
    """Return a struct with the same fields, all of them optional."""
    fields: list[tuple[str, Any, Any]] = [
        (entry.name, Union[_partial(entry.type) if _is_struct(entry.type) else entry.type, UnsetType], UNSET)
        for entry in msgspec.structs.fields(struct)
    ]
    return defstruct(f"{struct.__name__}Change", fields)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type(Struct))


SettingsChange = _partial(ApplicationSettings)


class Change(NamedTuple):
    """A change of the settings. values: known and historic settings. warnings: one per ignored setting."""

    values: Document
    warnings: list[str]


def read_change(sent: Document) -> Change:
    """Return the settings that a client sends, in their types. Unknown and read-only ones are ignored with a warning.

    A client of any release can so apply its whole configuration. Raises msgspec.ValidationError for an invalid value.
    """
    historic = {name: sent[name] for name in HISTORIC if name in sent}
    for name, value in historic.items():
        if len(json.dumps(value)) > LARGEST_HISTORIC_VALUE:
            raise msgspec.ValidationError(f"{name} has more than {LARGEST_HISTORIC_VALUE} characters")
    fitted = fit({name: value for name, value in sent.items() if name not in historic}, SettingsChange)
    change = msgspec.to_builtins(msgspec.convert(fitted.content, SettingsChange, strict=False))
    warnings = ignored([name for name in fitted.unknown if name not in READ_ONLY], "setting")
    if change.get("pass_through"):
        warnings.append(READ_ONLY["pass_through"])
        del change["pass_through"]
    if "wa_id" in fitted.unknown:
        warnings.append(READ_ONLY["wa_id"])
    return Change({**change, **historic}, warnings)


def apply_change(stored: Document, values: Document) -> Document:
    """Return the settings to store after a partial change. Raises msgspec.ValidationError if the result is not valid."""
    known = {name: value for name, value in values.items() if name not in HISTORIC}
    msgspec.convert(_merge(_known(stored, ApplicationSettings), known), ApplicationSettings)
    return _merge(stored, values)


def read_settings(stored: Document) -> ApplicationSettings:
    """Return stored settings on top of the defaults. Unknown fields, of a later version or historic ones, are left out."""
    return msgspec.convert(_known(stored, ApplicationSettings), ApplicationSettings)


def historic_settings(stored: Document) -> Document:
    """Return the stored settings of older releases."""
    return {name: stored[name] for name in HISTORIC if name in stored}


def restart_needed(before: Document, after: Document) -> list[str]:
    """Return the changed settings, by dotted name, that take effect when a coreapp restarts."""
    old, new = (msgspec.to_builtins(read_settings(stored)) for stored in (before, after))
    return [name for name in RESTART_NEEDED if _value(old, name) != _value(new, name)]


def _value(settings: Document, dotted_name: str) -> object:
    value: Any = settings
    return reduce(lambda inner, name: inner[name], dotted_name.split("."), value)


def _merge(stored: Document, values: Document) -> Document:
    result = dict(stored)
    for name, value in values.items():
        old = result.get(name)
        result[name] = _merge(old, value) if isinstance(value, dict) and isinstance(old, dict) else value
    return result


def _known(stored: Document, struct: type[Struct]) -> Document:
    """Return the fields that a struct has, on every level."""
    types = {entry.name: entry.type for entry in msgspec.structs.fields(struct)}
    return {
        name: _known(value, types[name]) if isinstance(value, dict) and _is_struct(types[name]) else value
        for name, value in stored.items()
        if name in types
    }
