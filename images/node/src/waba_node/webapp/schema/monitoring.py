"""Health, statistics and support (docs/reference/vendor-contract.md#health, #stats-and-metrics and #support)."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from .common import Answer, Metric, Problem


class NodeHealth(Struct, forbid_unknown_fields=True):
    """The health of one node. `errors`, for a node that does not answer, is our addition."""

    role: Literal["primary_master", "secondary_master", "coreapp"]
    gateway_status: Literal["connected", "connecting", "disconnected", "uninitialized", "unregistered"]
    errors: list[Problem] | UnsetType = UNSET


class ClusterHealth(Answer):
    """Every master and coreapp by `<hostname>:<container id>`."""

    health: dict[str, NodeHealth]


class AppStatistics(Struct, forbid_unknown_fields=True):
    """The statistics of one node's work."""

    app: dict[str, Metric]


class AppStats(Answer):
    """Every node by name."""

    stats: dict[str, AppStatistics]


class DatabaseStatistics(Struct, forbid_unknown_fields=True):
    """The database statistics of one node; only the primary master has any."""

    db: dict[str, Metric] | UnsetType = UNSET


class DatabaseStats(Answer):
    """Every node by name."""

    stats: dict[str, DatabaseStatistics]


class NodeSupport(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The support information of one node, or `errors` alone if it does not answer. Free space is in bytes."""

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
