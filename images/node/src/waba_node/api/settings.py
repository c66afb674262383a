"""The application settings: every field with its type, bounds and default (source: vendor facts, section 2.4; the bounds are ours)."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct, field

Seconds = Annotated[int, Meta(ge=1, le=3600)]
Milliseconds = Annotated[int, Meta(ge=1, le=86_400_000)]
MediaType = Literal["image", "video", "voice", "sticker", "audio", "document"]
HttpsUrl = Annotated[str, Meta(pattern=r"^(https://[^\s/]\S*)?(?![\s\S])", max_length=2048)]


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
    """The settings of the whole cluster."""

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


def changed(stored: dict, patch: dict) -> dict:
    """Return what to store after a partial, nested change. Raises msgspec.ValidationError when the result is not valid."""
    msgspec.convert(_merged(_known(stored, ApplicationSettings), patch), ApplicationSettings)
    return _merged(stored, patch)


def read(stored: dict) -> ApplicationSettings:
    """Return stored settings on top of the defaults; a field of a later version, met in an upgrade, is left alone."""
    return msgspec.convert(_known(stored, ApplicationSettings), ApplicationSettings)


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
