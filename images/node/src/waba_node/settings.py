"""The application settings: every field with its type, bounds and default (source: vendor facts, section 2.4; the bounds are ours)."""

from __future__ import annotations

from functools import reduce
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct, field

Seconds = Annotated[int, Meta(ge=1, le=3600)]
Milliseconds = Annotated[int, Meta(ge=1, le=86_400_000)]
MediaType = Literal["image", "video", "voice", "sticker", "audio", "document"]
HttpsUrl = Annotated[str, Meta(pattern=r"^(https://[^\s/]\S*)?(?![\s\S])", max_length=2048)]


# Take effect when a coreapp starts anew (source: vendor facts, section 2.4; pass_through too, but it cannot change any more).
RESTART_NEEDED = ("callback_persist", "webhooks.max_concurrent_requests")
# What older releases had, and what has taken its place (vendor facts).
REPLACED = {
    "db_garbagecollector_enable": "garbagecollector_enable.messages has taken its place",
    "tcp_listen_address": "WA_TCP_LISTEN_ADDRESS in the node's environment has taken its place",
}
NUMBERS_AS_TEXT = (
    "callback_backoff_delay_ms",
    "max_callback_backoff_delay_ms",
)  # older clients send "3000" (vendor fact)


class MessageWebhooks(Struct, forbid_unknown_fields=True):
    """Which statuses of a message make a webhook."""

    sent: bool = True
    delivered: bool = True
    read: bool = True


class Webhooks(Struct, forbid_unknown_fields=True):
    """Where webhooks go."""

    url: HttpsUrl = ""
    max_concurrent_requests: Literal[6, 12, 18, 24] = 6
    message: MessageWebhooks = field(default_factory=MessageWebhooks)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)  # raises ValueError, as `port` does
        if self.url and (not parts.hostname or parts.port == 0):
            raise ValueError("url must name a host")


class Media(Struct, forbid_unknown_fields=True):
    """What is downloaded without being asked for."""

    auto_download: list[MediaType] = field(default_factory=list)


class GarbageCollector(Struct, forbid_unknown_fields=True):
    """What is deleted once it is old."""

    media: bool = False
    messages: bool = True


class ApplicationSettings(Struct, forbid_unknown_fields=True):
    """The settings of the whole cluster.

    callback_persist: webhooks always wait in the database, whatever it says (ours). pass_through: cannot be enabled any more (vendor fact).
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
        # Below it, one late answer would be a failure.
        if self.unhealthy_interval < 2 * self.heartbeat_interval:
            raise ValueError("unhealthy_interval must be at least twice heartbeat_interval")
        if self.pass_through:
            raise ValueError("pass_through cannot be enabled any more")


def changed(stored: dict, patch: dict) -> dict:
    """Return what to store after a partial, nested change. Raises msgspec.ValidationError when the result is not valid."""
    for name in REPLACED.keys() & patch.keys():
        raise msgspec.ValidationError(f"{name} is no setting any more: {REPLACED[name]}")
    for name in NUMBERS_AS_TEXT:
        if isinstance(value := patch.get(name), str) and value.isascii() and value.isdigit() and len(value) < 10:
            patch = {**patch, name: int(value)}
    msgspec.convert(_merged(_known(stored, ApplicationSettings), patch), ApplicationSettings)
    return _merged(stored, patch)


def read(stored: dict) -> ApplicationSettings:
    """Return stored settings on top of the defaults; a field of a later version, met in an upgrade, is left alone."""
    return msgspec.convert(_known(stored, ApplicationSettings), ApplicationSettings)


def restart_needed(before: dict, after: dict) -> list[str]:
    """Return which of the settings that stored ones change from `before` to `after` take effect at the next start only."""
    old, new = (msgspec.to_builtins(read(stored)) for stored in (before, after))
    return [name for name in RESTART_NEEDED if _value(old, name) != _value(new, name)]


def _value(settings: dict, dotted: str) -> object:
    return reduce(dict.__getitem__, dotted.split("."), settings)


def _merged(stored: dict, patch: dict) -> dict:
    result = dict(stored)
    for name, value in patch.items():
        old = result.get(name)
        result[name] = _merged(old, value) if isinstance(value, dict) and isinstance(old, dict) else value
    return result


def _known(stored: dict, struct: type[Struct]) -> dict:
    types = {field.name: field.type for field in msgspec.structs.fields(struct)}
    return {
        name: _known(value, types[name]) if isinstance(value, dict) and isinstance(types[name], type(Struct)) else value
        for name, value in stored.items()
        if name in types
    }
