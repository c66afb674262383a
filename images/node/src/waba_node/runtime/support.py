"""A node's part of GET /v1/support (docs/reference/vendor-contract.md#support). It contains no secret."""

from __future__ import annotations

import datetime
import platform
import shutil
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from .node import Node

FOLDERS = {  # field -> folder
    "free_space_data": "/",
    "free_space_logs": "/var/log",
    "free_space_media_incoming": "{media}/shared",
    "free_space_media_outgoing": "{media}/outgoing",
}
REVISION = sa.text("SELECT version_num FROM alembic_version")


async def support_info(node: Node) -> dict[str, Any]:
    """Return what GET /v1/support reports about a node. Raises sqlalchemy.exc.SQLAlchemyError."""
    async with node.database.begin() as connection:
        server = ".".join(map(str, connection.dialect.server_version_info or ()))
        revision = (await connection.execute(REVISION)).scalar_one()
    return {
        "context": node.role_name(),
        "description": f"waba node {node.config.version}",
        "db_engine": connection.dialect.name.upper(),
        "db_info": server,
        "schema": {"waba": revision},
        "debug_info": node.health.line(),
        "device_iso8601": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "env": {"gateway_status": node.gateway_status(), "incarnation": node.incarnation},
        "multi_connect": True,
        "os_name": platform.system(),
        "os_version": f"{platform.release()} python {platform.python_version()}",
        **{
            field: free
            for field, folder in FOLDERS.items()
            if (free := free_space(folder.format(media=node.config.media))) is not None
        },
    }


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
