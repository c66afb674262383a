# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Resolve a Compose document into the form that `docker compose config --format json` prints.

The plan compares containers with files that are not written yet, and Compose can only resolve files that are. It covers the keys that
`compose.documents` writes; a test compares the result with Compose's own answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.confinement import size_in_bytes

DEFAULT_NETWORK = "default"


def resolved(document: Mapping[str, Any], environments: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return a document with environment files merged, ports and volumes spelled out, and dollar signs escaped.

    document: as from `compose.documents`. environments: {name of the environment file: its variables}.
    """
    name = document["name"]
    return {
        "name": name,
        "services": {
            service: _service(definition, environments) for service, definition in document["services"].items()
        },
        "volumes": document.get("volumes", {}),
        "networks": {
            key: {"name": network.get("name", f"{name}_{key}")} for key, network in document["networks"].items()
        },
    }


def _service(definition: Mapping[str, Any], environments: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    environment: dict[str, str] = {}
    for file in definition.get("env_file", []):
        environment.update(environments.get(file[len("./") :], {}))
    environment.update(definition.get("environment", {}))
    command = definition.get("command")
    return {
        **definition,
        "command": [_escaped(word) for word in command] if command else None,
        "environment": {name: _escaped(value) for name, value in environment.items()},
        "ports": [port for entry in definition.get("ports", []) for port in _ports(entry)],
        "volumes": [_mount(entry) for entry in definition.get("volumes", [])],
        "networks": _networks(definition),
        "labels": {name: _escaped(value) for name, value in definition.get("labels", {}).items()},
        **({"mem_limit": str(size_in_bytes(definition["mem_limit"]))} if "mem_limit" in definition else {}),
    }


def _networks(definition: Mapping[str, Any]) -> dict[str, Any]:
    if definition.get("network_mode"):
        return {}
    networks = definition.get("networks", [DEFAULT_NETWORK])
    return dict(networks) if isinstance(networks, Mapping) else dict.fromkeys(networks)


def _ports(entry: str) -> list[dict[str, Any]]:
    """Return the single ports of an entry such as "[::1]:6250-6253:6250-6253"."""
    rest, _colon, target = entry.rpartition(":")
    address, _colon, published = rest.rpartition(":")
    address = address.strip("[]")
    return [
        {
            "target": inside,
            "published": str(outside),
            "protocol": "tcp",
            **({"host_ip": address} if address else {}),
        }
        for inside, outside in zip(_span(target), _span(published))
    ]


def _span(text: str) -> range:
    first, _dash, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _mount(entry: str | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(entry, str):
        source, _colon, target = entry.partition(":")
        return {"type": "volume", "source": source, "target": target}
    return {**entry, "source": _escaped(entry["source"])}


def _escaped(text: str) -> str:
    return text.replace("$", "$$")
