# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare a service of a Compose file with its container, aspect by aspect.

The hash that Compose computes of a service cannot be used: `docker compose config --hash` ignores env_file and `docker compose up` includes it
(Compose 2.26), so the two hashes of the cluster's services always differ. Comparing containers also detects changes made by hand.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import (
    FIRST_START_VARIABLES,
    LABEL_ROLE,
    MOUNT_POINTS,
)

ANONYMOUS_VOLUME = re.compile(r"[0-9a-f]{64}")
LABEL_PREFIX = "waba.cluster."

Aspects = dict[str, Any]

NO_IMAGE: dict[str, Any] = {"id": None, "environment": {}, "command": None}
DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")
SECONDS = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}


def wanted_services(document: Mapping[str, Any], image_facts: Mapping[str, Mapping[str, Any]]) -> dict[str, Aspects]:
    """Return {service name: aspects} of a Compose file.

    document: the output of `docker compose config --format json`. image_facts: {image name: {"id", "environment", "command"}} of the images that
    this host has. Aspects: `image` (name, id; the id is None if the host lacks the image), `command` (None if unknown), `environment`, `ports`,
    `mounts`, `networks`, `labels`, `restart`, `cap_drop`, `cap_add`, `privileges` (whether a process can gain any), `read_only`, `tmpfs`, `sysctls`,
    `memory` (bytes, 0 for no limit), `processes` (0 for no limit), `stop_timeout`, `logging` (driver and options; None if the file leaves them to
    the engine).
    """
    return {
        name: _wanted(service, document, image_facts.get(service["image"], NO_IMAGE))
        for name, service in document.get("services", {}).items()
    }


def _wanted(service: Mapping[str, Any], document: Mapping[str, Any], image: Mapping[str, Any]) -> Aspects:
    environment = {name: _unescaped(value or "") for name, value in (service.get("environment") or {}).items()}
    command = service.get("command")
    return {
        "image": (service["image"], image["id"]),
        "command": [_unescaped(word) for word in command] if command else image["command"],
        "environment": {**image["environment"], **environment},
        "ports": {
            (f"{port['target']}/{port['protocol']}", port.get("host_ip", ""), str(port["published"]))
            for port in service.get("ports") or []
        },
        "mounts": {_wanted_mount(mount, document) for mount in service.get("volumes") or []},
        "networks": {document["networks"][network]["name"] for network in service.get("networks") or {}}
        or {service.get("network_mode", "")} - {""},
        "labels": {name: _unescaped(value) for name, value in (service.get("labels") or {}).items()},
        "restart": service.get("restart", "no"),
        "cap_drop": {_capability(name) for name in service.get("cap_drop") or []},
        "cap_add": {_capability(name) for name in service.get("cap_add") or []},
        "privileges": _gains_privileges(service.get("security_opt")),
        "read_only": bool(service.get("read_only")),
        "tmpfs": set(service.get("tmpfs") or []),
        "sysctls": dict(service.get("sysctls") or {}),
        "memory": int(service.get("mem_limit") or 0),
        "processes": service.get("pids_limit") or 0,
        "stop_timeout": _seconds(service.get("stop_grace_period")),
        "logging": _wanted_logging(service),
    }


def _gains_privileges(options: Collection[str] | None) -> bool:
    """Return whether a process of a container can gain privileges, as by a program with the setuid bit. options: the security options."""
    return not {"no-new-privileges", "no-new-privileges:true"}.intersection(options or ())


def _wanted_logging(service: Mapping[str, Any]) -> dict[str, str] | None:
    logging = service.get("logging")
    return {"driver": logging["driver"], **(logging.get("options") or {})} if logging else None


def _wanted_mount(mount: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[str, str, str, bool]:
    source = _unescaped(mount["source"])
    if mount["type"] == "volume":
        source = document["volumes"][mount["source"]]["name"]
    return (mount["type"], source, mount["target"], not mount.get("read_only", False))


def container_aspects(container: Mapping[str, Any], live_networks: Collection[str]) -> Aspects:
    """Return the same aspects of a container (inspect answer).

    live_networks: the ids of the existing networks; an inspect answer also lists networks that were removed.
    """
    config, host = container["Config"], container["HostConfig"]
    attached = container["NetworkSettings"]["Networks"] or {}
    return {
        "image": (config["Image"], container["Image"]),
        "command": config.get("Cmd"),
        "environment": dict(entry.partition("=")[::2] for entry in config.get("Env") or []),
        "ports": {
            (target, binding.get("HostIp", ""), binding["HostPort"])
            for target, bindings in (host.get("PortBindings") or {}).items()
            for binding in bindings or []
        },
        "mounts": {
            (mount["Type"], mount.get("Name") or mount["Source"], mount["Destination"], mount["RW"])
            for mount in container["Mounts"]
            if not ANONYMOUS_VOLUME.fullmatch(mount.get("Name") or "")
        },
        # The id is empty until the first start.
        "networks": {
            name for name, end in attached.items() if not end.get("NetworkID") or end["NetworkID"] in live_networks
        },
        "labels": {name: value for name, value in config["Labels"].items() if name.startswith(LABEL_PREFIX)},
        "restart": (host.get("RestartPolicy") or {}).get("Name") or "no",
        "cap_drop": {_capability(name) for name in host.get("CapDrop") or []},
        "cap_add": {_capability(name) for name in host.get("CapAdd") or []},
        "privileges": _gains_privileges(host.get("SecurityOpt")),
        "read_only": bool(host.get("ReadonlyRootfs")),
        "tmpfs": set(host.get("Tmpfs") or {}),
        "sysctls": dict(host.get("Sysctls") or {}),
        "memory": host.get("Memory") or 0,
        "processes": max(0, host.get("PidsLimit") or 0),
        "stop_timeout": config.get("StopTimeout"),
        "logging": _logging(host.get("LogConfig") or {}),
    }


def _logging(configuration: Mapping[str, Any]) -> dict[str, str]:
    return {"driver": configuration.get("Type", ""), **(configuration.get("Config") or {})}


def differences(wanted: Aspects, existing: Aspects, stale_binds: Collection[str]) -> list[str]:
    """Return the names of the differences between a service and its container, without any value.

    wanted: as from `wanted_services`, with None for an aspect that is not compared. existing: as from `container_aspects`. stale_binds: mount points at
    which the container has another folder than its host has now, see `bind_mounts`.
    """
    found = []
    image_name, image_id = wanted["image"]
    for aspect, value in wanted.items():
        if aspect == "image":
            if image_name != existing["image"][0] or (image_id and image_id != existing["image"][1]):
                found.append("image")
        elif aspect == "environment" and value is not None:
            # The container also has the variables of its image, which are unknown if the host lacks the image.
            known = {**value, **existing[aspect]} if image_id else value
            ignored = FIRST_START_VARIABLES if wanted["labels"].get(LABEL_ROLE) == "mysql" else ()
            names = sorted(
                name for name in known if value.get(name) != existing[aspect].get(name) and name not in ignored
            )
            found.extend(f"environment {name}" for name in names)
        elif aspect == "logging" and value is not None:
            # The container also has the options of its engine's daemon.json.
            if value != {name: existing[aspect].get(name) for name in value}:
                found.append(aspect)
        elif value is not None and value != existing[aspect]:
            found.append(aspect.replace("_", " "))
    bound = {target for kind, _source, target, _writable in wanted["mounts"] if kind == "bind"}
    return found + [
        f"{kind} (it still has the folder that was there when it started, not what is mounted there now)"
        for kind, target in MOUNT_POINTS.items()
        if target in bound.intersection(stale_binds)
    ]


def _unescaped(text: str) -> str:
    # Compose prints a literal dollar sign as two, so that its output is a valid Compose file.
    return text.replace("$$", "$")


def _capability(name: str) -> str:
    return name.upper()[4:] if name.upper().startswith("CAP_") else name.upper()


def _seconds(duration: str | None) -> int | None:
    if duration is None:
        return None
    return int(sum(float(number) * SECONDS[unit] for number, unit in DURATION.findall(duration)))
