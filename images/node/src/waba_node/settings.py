"""The application settings: every field with its type, bounds and default (docs/reference/vendor-contract.md#settings).

The bounds are our own.
"""

from __future__ import annotations

from functools import reduce
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct, field

Seconds = Annotated[int, Meta(ge=1, le=3600)]
Milliseconds = Annotated[int, Meta(ge=1, le=86_400_000)]
MediaType = Literal["image", "video", "voice", "sticker", "audio", "document"]
HttpsUrl = Annotated[str, Meta(pattern=r"^(https://[^\s/]\S*)?(?![\s\S])", max_length=2048)]

# These take effect when a coreapp starts.
RESTART_NEEDED = ("callback_persist", "webhooks.max_concurrent_requests")
# Settings of older releases, and their replacements.
REPLACED = {
    "db_garbagecollector_enable": "use garbagecollector_enable.messages",
    "tcp_listen_address": "use WA_TCP_LISTEN_ADDRESS in the node's environment",
}
NUMBERS_AS_TEXT = ("callback_backoff_delay_ms", "max_callback_backoff_delay_ms")  # older clients send "3000"

Document = dict[str, Any]


class MessageWebhooks(Struct, forbid_unknown_fields=True):
    """The statuses of a message that cause a webhook."""

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
    """The kinds of inbound media that are fetched at once."""

    auto_download: list[MediaType] = field(default_factory=list)


class GarbageCollector(Struct, forbid_unknown_fields=True):
    """The kinds of data that are deleted after a time."""

    media: bool = False
    messages: bool = True


class ApplicationSettings(Struct, forbid_unknown_fields=True):
    """The settings of the whole cluster.

    callback_persist: has no effect, since webhooks are always stored. pass_through: can no longer be enabled.
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
        # With a shorter one, a single late answer would make a node unhealthy.
        if self.unhealthy_interval < 2 * self.heartbeat_interval:
            raise ValueError("unhealthy_interval must be at least twice heartbeat_interval")
        if self.pass_through:
            raise ValueError("pass_through can no longer be enabled")


def changed(stored: Document, patch: Document) -> Document:
    """Return stored settings after a partial, nested change. Raises msgspec.ValidationError when the result is not valid."""
    for name in REPLACED.keys() & patch.keys():
        raise msgspec.ValidationError(f"{name} is no longer a setting: {REPLACED[name]}")
    for name in NUMBERS_AS_TEXT:
        if isinstance(value := patch.get(name), str) and value.isascii() and value.isdigit() and len(value) < 10:
            patch = {**patch, name: int(value)}
    msgspec.convert(_merged(_known(stored, ApplicationSettings), patch), ApplicationSettings)
    return _merged(stored, patch)


def read(stored: Document) -> ApplicationSettings:
    """Return stored settings on top of the defaults. Fields that a later version stored are ignored."""
    return msgspec.convert(_known(stored, ApplicationSettings), ApplicationSettings)


def restart_needed(before: Document, after: Document) -> list[str]:
    """Return the names of the changed settings that take effect at the next start only. before, after: as stored."""
    old, new = (msgspec.to_builtins(read(stored)) for stored in (before, after))
    return [name for name in RESTART_NEEDED if _value(old, name) != _value(new, name)]


def _value(settings: Document, dotted: str) -> object:
    return reduce(dict.__getitem__, dotted.split("."), settings)


def _merged(stored: Document, patch: Document) -> Document:
    result = dict(stored)
    for name, value in patch.items():
        old = result.get(name)
        result[name] = _merged(old, value) if isinstance(value, dict) and isinstance(old, dict) else value
    return result


def _known(stored: Document, struct: type[Struct]) -> Document:
    types = {field.name: field.type for field in msgspec.structs.fields(struct)}
    return {
        name: _known(value, types[name]) if isinstance(value, dict) and isinstance(types[name], type(Struct)) else value
        for name, value in stored.items()
        if name in types
    }
