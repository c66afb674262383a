"""What the calls answer: one type an answer, for the OpenAPI document and the tests that hold it against running webapps.

The calls build their answers as plain dictionaries; `meta` is put in by the server (source: vendor facts, section 2.1).
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, defstruct

from ..settings import ApplicationSettings
from .requests import BusinessProfile, ComplianceInfo, Provider


class Meta(Struct, forbid_unknown_fields=True):
    """What comes with every answer."""

    api_status: Literal["stable", "deprecated", "experimental"]
    version: str


class Answer(Struct, forbid_unknown_fields=True, kw_only=True):
    """What all answers in JSON have."""

    meta: Meta


class Done(Answer):
    """Done; there is nothing more to say."""


def answer(name: str, dotted: str, content: Any) -> type[Answer]:
    """Return the type of an answer that holds `content` at a dotted path and nothing else."""
    first, *path = dotted.split(".")
    for depth in range(len(path), 0, -1):
        inner = "".join(part.title().replace("_", "") for part in (first, *path[: depth - 1]))
        content = defstruct(name + inner, [(path[depth - 1], content)], forbid_unknown_fields=True)
    return defstruct(name, [(first, content)], bases=(Answer,), kw_only=True, forbid_unknown_fields=True)


class Problem(Struct, forbid_unknown_fields=True):
    """Why a call was refused (vendor facts, section 2.13)."""

    code: int
    title: str
    details: str | UnsetType = UNSET


class Refusal(Answer):
    """A call that was refused."""

    errors: list[Problem]


class Session(Struct, forbid_unknown_fields=True):
    """A login."""

    token: str
    expires_after: str


class LoggedIn(Answer):
    """The token of a login."""

    users: list[Session]


class UserName(Struct, forbid_unknown_fields=True):
    """A user of the API. ROLES: the one role of the user (the field's name is a vendor fact)."""

    username: str
    ROLES: Literal["ROLE_ADMIN", "ROLE_USER"]


class Users(Answer):
    """The user that the call is about."""

    users: list[UserName]


class NodeHealth(Struct, forbid_unknown_fields=True):
    """How one node is (vendor facts, section 2.3; `errors`, for a node that does not answer, is ours)."""

    role: Literal["primary_master", "secondary_master", "coreapp"]
    gateway_status: Literal["connected", "connecting", "disconnected", "uninitialized", "unregistered"]
    errors: list[Problem] | UnsetType = UNSET


class ClusterHealth(Answer):
    """Every master and coreapp by `<hostname>:<container id>`."""

    health: dict[str, NodeHealth]


class Sample(Struct, forbid_unknown_fields=True):
    """One value of a metric."""

    labels: dict[str, str]
    value: int | float


class Metric(Struct, forbid_unknown_fields=True):
    """A metric with its values."""

    type: Literal["gauge", "counter"]
    help: str
    data: list[Sample]


class AppStatistics(Struct, forbid_unknown_fields=True):
    """A node's statistics of its work."""

    app: dict[str, Metric]


class AppStats(Answer):
    """Every node by name."""

    stats: dict[str, AppStatistics]


class DatabaseStatistics(Struct, forbid_unknown_fields=True):
    """A node's statistics of the database; all but the primary master have none."""

    db: dict[str, Metric] | UnsetType = UNSET


class DatabaseStats(Answer):
    """Every node by name."""

    stats: dict[str, DatabaseStatistics]


class NodeSupport(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a node says to those who help; `errors` alone when it does not answer. Free space is in bytes."""

    context: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    db_engine: str | UnsetType = UNSET
    db_info: str | UnsetType = UNSET
    schema: dict[str, str] | UnsetType = UNSET
    debug_info: str | UnsetType = UNSET
    device_iso8601: str | UnsetType = UNSET
    env: dict[str, str] | UnsetType = UNSET
    multi_connect: bool | UnsetType = UNSET
    os_name: str | UnsetType = UNSET
    os_version: str | UnsetType = UNSET
    free_space_data: int | UnsetType = UNSET
    free_space_logs: int | UnsetType = UNSET
    free_space_media_incoming: int | UnsetType = UNSET
    free_space_media_outgoing: int | UnsetType = UNSET
    errors: list[Problem] | UnsetType = UNSET


class Support(Answer):
    """Every node by name."""

    support: dict[str, NodeSupport]


class ShownSettings(ApplicationSettings, kw_only=True, forbid_unknown_fields=True):
    """The settings of the whole cluster, and its number (read-only)."""

    wa_id: str


Settings = answer("Settings", "settings.application", ShownSettings)


class RestartNeeded(Struct, forbid_unknown_fields=True):
    """Settings that take effect at a coreapp's next start only, by their dotted names (the field is ours)."""

    restart_needed: list[str]


class ChangedSettings(Answer):
    """The settings are changed. `settings` is there only when one of them needs a restart."""

    settings: RestartNeeded | UnsetType = UNSET


class ShownCompliance(ComplianceInfo, forbid_unknown_fields=True):
    """Who answers for the business; nothing before it was set."""

    entity_name: str | UnsetType = UNSET
    entity_type: str | UnsetType = UNSET


Providers = answer("Providers", "settings.application.media.providers", list[Provider])
Sealed = answer("Sealed", "settings.data", str)
Business = answer("Business", "settings.business.profile", BusinessProfile)
BusinessCompliance = answer("BusinessCompliance", "settings.business.compliance_info", ShownCompliance)
AboutText = answer("AboutText", "settings.profile.about.text", str)
PhotoLink = answer("PhotoLink", "settings.profile.photo.link", str)


class RegisteredName(Struct, forbid_unknown_fields=True):
    """The name that goes with a number."""

    vname: str


class Registration(Answer):
    """A registration that was begun."""

    account: list[RegisteredName]


class Sharding(Struct, forbid_unknown_fields=True):
    """How many shards there are."""

    shards: int


class ShardCount(Answer):
    """How many shards the cluster has."""

    account: Sharding


class MessageId(Struct, forbid_unknown_fields=True):
    """The name of a message, or of media."""

    id: str


class Accepted(Answer):
    """A message that was accepted; what becomes of it is told by webhooks."""

    messages: list[MessageId]


class CheckedContact(Struct, forbid_unknown_fields=True):
    """One number. wa_id: when it is valid."""

    input: str
    status: Literal["processing", "valid", "invalid"]
    wa_id: str | UnsetType = UNSET


class CheckedContacts(Answer):
    """The numbers in the order in which they were given."""

    contacts: list[CheckedContact]


class Identity(Struct, forbid_unknown_fields=True):
    """A user's latest identity. created_timestamp: when it was first seen, in milliseconds since 1970."""

    hash: str
    created_timestamp: int
    acknowledged: bool


class ContactIdentity(Answer):
    """The identity of one user."""

    contacts: Identity


class Uploaded(Answer):
    """A file that was uploaded."""

    media: list[MessageId]


class Collection(Struct, forbid_unknown_fields=True):
    """A garbage collection."""

    status: Literal["processing", "failed"]
    errors: list[Problem] | UnsetType = UNSET


class NodeCollections(Struct, forbid_unknown_fields=True):
    """What each coreapp does, by its name."""

    gc: dict[str, Collection]


class MessageServices(Struct, forbid_unknown_fields=True):
    """The services by what they are for."""

    message: NodeCollections


class MessageCollections(Answer):
    """Garbage collections of messages that have begun."""

    services: MessageServices


class OneCollection(Struct, forbid_unknown_fields=True):
    """What the primary master does."""

    gc: Collection


class MediaServices(Struct, forbid_unknown_fields=True):
    """The services by what they are for."""

    media: OneCollection


class MediaCollection(Answer):
    """A garbage collection of media that has begun."""

    services: MediaServices
