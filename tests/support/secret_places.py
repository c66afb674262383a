"""The places where a secret must not appear."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from live import Cluster

READABLE_BY_OTHERS = stat.S_IROTH | stat.S_IRGRP


def places_of(secrets: Iterable[str], cluster: Cluster, folder: Path, outputs: Mapping[str, str]) -> list[str]:
    """Return the outputs, arguments of processes, logs of containers and files readable by others that have a secret.

    folder: the cluster's files. outputs: name -> text.
    """
    places = {name: text.encode() for name, text in outputs.items()}
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            places[f"the arguments of {process}"] = process.read_bytes()
        except OSError:
            continue
    for container in cluster.containers():
        places[f"the log of {container.name}"] = container.logs()
    for file in folder.rglob("*"):
        if file.is_file() and file.stat().st_mode & READABLE_BY_OTHERS:
            places[str(file)] = file.read_bytes()
    sought = [secret.encode() for secret in secrets]
    return [place for place, content in places.items() if any(secret in content for secret in sought)]
