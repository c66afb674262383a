"""Health, statistics and support (docs/reference/vendor-contract.md#health, #stats-and-metrics and #support)."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from .common import Answer, Metric, Problem, answer


class NodeHealth(Struct, forbid_unknown_fields=True):
    """The health of one node. `errors`, for a node that does not answer, is our addition."""

    role: Literal["primary_master", "secondary_master", "coreapp"]
    gateway_status: Literal["connected", "connecting", "disconnected", "uninitialized", "unregistered"]
    errors: list[Problem] | UnsetType = UNSET


class ClusterHealth(Answer):
    """Every master and coreapp by `<hostname>:<container id>`."""

    health: dict[str, NodeHealth]


WebappMetrics = answer("WebappMetrics", "metrics", dict[str, Metric])


class AppStatistics(Struct, forbid_unknown_fields=True):
    """The statistics of one node's work."""

    app: dict[str, Metric]


class AppStats(Answer):
    """Every node by name."""

    stats: dict[str, AppStatistics]


class ClusterStatistics(Struct, forbid_unknown_fields=True):
    """The state of the cluster, as one webapp observes it."""

    cluster: dict[str, Metric]


class ClusterStats(Answer):
    """The state of the cluster; the call is our addition."""

    stats: ClusterStatistics


class DatabaseStatistics(Struct, forbid_unknown_fields=True):
    """The database statistics of one node; only the primary master has any."""

    db: dict[str, Metric] | UnsetType = UNSET


class DatabaseStats(Answer):
    """Every node by name."""

    stats: dict[str, DatabaseStatistics]


class Encryption(Struct, forbid_unknown_fields=True):
    """The node's identity for end-to-end encryption: zero, because the node does not encrypt messages itself."""

    identity_timestamp: str
    registration_id: int


class NodeSupport(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The support information of one node, or `errors` alone if it does not answer.

    shards: pairs of the first and last owned shard; -1 is the control shard. debug_info: the cluster's number, or `unregistered`.
    socket_conn: UP, SC (connecting) or DN. expire_timestamp: in the year 9999, because the node does not expire. Free space is in bytes.
    health, the health line, is our addition.
    """

    context: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    shards: list[list[int]] | UnsetType = UNSET
    description: str | UnsetType = UNSET
    db_engine: str | UnsetType = UNSET
    db_info: list[str] | UnsetType = UNSET
    schema: dict[str, int] | UnsetType = UNSET
    debug_info: str | UnsetType = UNSET
    device_iso8601: str | UnsetType = UNSET
    e2e: Encryption | UnsetType = UNSET
    env: list[str] | UnsetType = UNSET
    expire_timestamp: str | UnsetType = UNSET
    health: str | UnsetType = UNSET
    lc: str | UnsetType = UNSET
    lg: str | UnsetType = UNSET
    socket_conn: str | UnsetType = UNSET
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
