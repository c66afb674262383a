"""The state of the cluster as metrics, for GET /v1/stats/cluster. Their names are our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..address import NodeAddress
from ..control.promotion import Shard
from ..rpc import RpcError
from ..runtime.statistics import Metric, metric

Answers = Mapping[NodeAddress, dict[str, Any] | RpcError]


def collect(answers: Answers, shards: Sequence[Shard], holder: str, lease_epoch: int) -> dict[str, Metric]:
    """Return the metrics by name.

    answers: the `status` of every registered master and coreapp, or the error of its call. holder, lease_epoch: of the master lease. An epoch
    increases with every change of the holder or owner, so that a change between two scrapes is visible too.
    """
    answering = {node: answer for node, answer in answers.items() if isinstance(answer, dict)}
    return {
        "cluster_node_up": metric(
            "gauge",
            "Whether a registered node answers",
            {_labels(node=node.node_id, kind=node.role): int(node in answering) for node in answers},
        ),
        "cluster_node_info": metric(
            "gauge",
            "Role, connection and version of each node that answers",
            {
                _labels(
                    node=node.node_id,
                    role=answer["role"],
                    gateway_status=answer["gateway_status"],
                    version=answer["version"],
                ): 1
                for node, answer in answering.items()
            },
        ),
        "cluster_node_refused": metric(
            "gauge",
            "Whether the upstream refuses a node",
            {_labels(node=node.node_id): int("problem" in answer) for node, answer in answering.items()},
        ),
        "cluster_shard_epoch": metric(
            "gauge",
            "Fencing epoch of each shard, with its owner",
            {_labels(shard=str(shard.shard), owner=shard.owner or ""): shard.epoch for shard in shards},
        ),
        "cluster_lease_epoch": metric(
            "gauge", "Epoch of the master lease, with its last holder", {_labels(holder=holder): lease_epoch}
        ),
    }


def _labels(**values: str) -> tuple[tuple[str, str], ...]:
    return tuple(values.items())
