"""Application settings, media providers, backup and restore (docs/reference/vendor-contract.md#settings)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct

from ...settings import HISTORIC, ApplicationSettings
from .common import END, Answer, answer

# The application settings, those of older releases that were set, and the cluster's number, which is read-only.
ReadSettings = defstruct(
    "ReadSettings",
    [("wa_id", str), *((name, Any, UNSET) for name in HISTORIC)],
    bases=(ApplicationSettings,),
    kw_only=True,
    forbid_unknown_fields=True,
)
Settings = answer("Settings", "settings.application", ReadSettings)


class RestartNeeded(Struct, forbid_unknown_fields=True):
    """The settings that take effect when a coreapp restarts, by dotted name. The field is our addition."""

    restart_needed: list[str]


class ChangedSettings(Answer):
    """The answer to a change. `settings` is present only if a changed setting needs a restart."""

    settings: RestartNeeded | UnsetType = UNSET


class BasicCredentials(Struct, forbid_unknown_fields=True):
    """A user name and a password."""

    username: Annotated[str, Meta(max_length=256)]
    password: Annotated[str, Meta(max_length=1024)]


class ProviderConfig(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The credentials of a media provider: either `bearer` or `basic`."""

    bearer: Annotated[str, Meta(min_length=1, max_length=4096)] | UnsetType = UNSET
    basic: BasicCredentials | UnsetType = UNSET

    def __post_init__(self) -> None:
        if (self.bearer is UNSET) == (self.basic is UNSET):
            raise ValueError("config must have one of bearer and basic")


class Provider(Struct, forbid_unknown_fields=True):
    """An entry of POST /v1/settings/application/media/providers. The characters allowed in a name are our decision."""

    name: Annotated[str, Meta(pattern=rf"^[A-Za-z0-9._-]{{1,64}}{END}")]
    type: Literal["www"]
    config: ProviderConfig


Providers = answer("Providers", "settings.application.media.providers", list[Provider])


class BackupPassword(Struct):
    """The body of POST /v1/settings/backup. The bounds are our decision."""

    password: Annotated[str, Meta(min_length=8, max_length=256)]


class Restore(BackupPassword):
    """The body of POST /v1/settings/restore."""

    data: str


class BackupContent(Struct):
    """The content of a backup."""

    shards: int
    documents: dict[str, dict[str, Any]]


SealedBackup = answer("SealedBackup", "settings.data", str)
