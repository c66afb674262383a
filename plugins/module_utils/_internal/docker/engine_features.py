# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The features of a host's engine that the Compose files of the host depend on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Features(NamedTuple):
    """log_driver: the default logging driver. memory_limit, pids_limit: whether the kernel can limit the memory and the processes of a container."""

    log_driver: str = "json-file"
    memory_limit: bool = True
    pids_limit: bool = True


DEFAULT = Features()  # of Docker Engine without a configuration, on a usual kernel


def from_info(info: Mapping[str, Any]) -> Features:
    """Return the features in the engine's answer to `docker info`."""
    return Features(info["LoggingDriver"], bool(info.get("MemoryLimit")), bool(info.get("PidsLimit")))
