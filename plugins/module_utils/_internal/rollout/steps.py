# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The batches of a rollout as steps that a play runs, and as rows of a table for operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Batch = Mapping[str, Any]


def steps(batches: Sequence[Batch]) -> list[dict[str, Any]]:
    """Return one step for each batch: {"number", "phase", "services", "hosts"}.

    batches: as from `order.batches`. services: the services of the step, as text. hosts: {host: {"role", "services", "former"}}; a host has services
    of one role in a step. former: {service: {"image"}}, the definition to restore when the files have another one already.
    """
    return [
        {
            "number": number,
            "phase": batch["phase"],
            "services": ", ".join(member["service"] for member in batch["members"]),
            "hosts": _by_host(batch["members"]),
        }
        for number, batch in enumerate(batches, 1)
    ]


def _by_host(members: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    hosts: dict[str, dict[str, Any]] = {}
    for member in members:
        part = hosts.setdefault(member["host"], {"role": member["role"], "services": [], "former": {}})
        part["services"].append(member["service"])
        if member["from"]:
            part["former"][member["service"]] = {"image": member["from"]}
    return hosts


def rows(batches: Sequence[Batch]) -> list[dict[str, Any]]:
    """Return a row for each member of the batches: {"step", "phase", "host", "service", "role", "from", "to"}."""
    return [
        {"step": number, "phase": batch["phase"], **member}
        for number, batch in enumerate(batches, 1)
        for member in batch["members"]
    ]
