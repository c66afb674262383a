"""A node's part of GET /v1/support (docs/reference/vendor-contract.md#support). It contains no secret."""

from __future__ import annotations

import datetime
import os
import platform
import re
import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..store import documents, ownership
from ..store.schema import read_revision

if TYPE_CHECKING:
    from .node import Node

FOLDERS = {  # field -> folder
    "free_space_data": "/",
    "free_space_logs": "/var/log",
    "free_space_media_incoming": "{media}/shared",
    "free_space_media_outgoing": "{media}/outgoing",
}
ENVIRONMENT = re.compile(r"(WA|WABA|COREAPP|WEBAPP)_")  # the variables that are reported
SECRET = re.compile(r"PASSWORD|SECRET|KEY|TOKEN|_PIN$|PROXY")  # their values are replaced; a proxy may have a password
CONTROL_SHARD = -1
# The node encrypts no messages itself, so it has no identity, and no version of it expires.
ENCRYPTION = {"identity_timestamp": "1970-01-01T00:00:00", "registration_id": 0}
NEVER = "9999-12-31T23:59:59"
SOCKET_STATES = {"connected": "UP", "connecting": "SC"}  # by gateway status


async def support_info(node: Node) -> dict[str, Any]:
    """Return what GET /v1/support reports about a node. Raises sqlalchemy.exc.SQLAlchemyError."""
    async with node.database.begin() as connection:
        server = ".".join(map(str, connection.dialect.server_version_info or ()))
        revision = await read_revision(connection)
        number = (await documents.read_document(connection, documents.ACCOUNT)).get("registered")
        shard_count = await ownership.count_shards(connection)
    return {
        "context": "healthcheck",
        "role": node.role_name(),
        "shards": owned_shards(node.role_name(), node.owned_shard(), shard_count),
        "description": f"{node.config.client_version} (waba node {node.config.version})",
        "db_engine": connection.dialect.name.upper(),
        "db_info": [server],
        "schema": {"waba": int(revision or 0)},
        "debug_info": number["cc"] + number["phone_number"] if number else "unregistered",
        "device_iso8601": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "e2e": ENCRYPTION,
        "env": reported_environment(os.environ),
        "expire_timestamp": NEVER,
        "health": node.health.line(),
        "lc": "en",
        "lg": "ZZ",  # unknown
        "multi_connect": True,
        "socket_conn": SOCKET_STATES.get(node.gateway_status(), "DN"),
        "os_name": platform.system(),
        "os_version": f"{platform.release()} python {platform.python_version()}",
        **{
            field: free
            for field, folder in FOLDERS.items()
            if (free := free_space(folder.format(media=node.config.media))) is not None
        },
    }


def owned_shards(role: str, shard: int | None, shard_count: int) -> list[list[int]]:
    """Return pairs of the first and last shard of a node. shard: the shard that it is connected for.

    The control shard belongs to the coreapp of a cluster with one shard, otherwise to the primary master.
    """
    own = [] if shard is None else [[shard, shard]]
    has_control = bool(own) if shard_count == 1 else role == "primary_master"
    return [[CONTROL_SHARD, CONTROL_SHARD], *own] if has_control else own


def reported_environment(environment: Mapping[str, str]) -> list[str]:
    """Return the node's variables as `NAME=value`, sorted, with secrets replaced."""
    return [
        f"{name}={'*******' if value and SECRET.search(name) else value}"
        for name, value in sorted(environment.items())
        if ENVIRONMENT.match(name)
    ]


def free_space(folder: str) -> int | None:
    """Return the bytes that can be written in a folder, or in its nearest existing parent; None when nothing is mounted."""
    while folder:
        try:
            return shutil.disk_usage(folder).free
        except FileNotFoundError:
            folder = folder.rpartition("/")[0] or "/"
        except OSError:
            return None
    return None
