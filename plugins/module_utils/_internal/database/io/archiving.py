# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A database written into an archive, and loaded from one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.volumes import mount_source
from ansible_collections.waba.cluster.plugins.module_utils._internal.database import backup
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io import backup_archive
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io.client import DatabaseClient
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers, engine
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files

FACTS = ("tables", "versions", "taken_at", "server", "revision")  # of the database, for the manifest


def write(
    path: str, cluster: str, info: Mapping[str, Any], database: DatabaseClient, name: str, media: dict[str, Any] | None
) -> dict[str, Any]:
    """Write a new archive, and return its manifest. Raises HostError.

    info: the state of the database, as from the module node_database_info, read before, so that the dump is not older than its time. name: of the
    database. media: see `argspec.VOLUME`, None for an archive without media.
    """
    if not info["tables"]:
        raise HostError(f"The database {name} is empty. No backup was written.")
    with files.scratch_folder(os.path.join(os.path.dirname(path), ".backup")) as folder:
        members = {backup.DATABASE_MEMBER: os.path.join(folder, backup.DATABASE_MEMBER)}
        database.dump(members[backup.DATABASE_MEMBER])
        if media:
            members[backup.MEDIA_MEMBER] = os.path.join(folder, backup.MEDIA_MEMBER)
            backup_archive.pack_folder(media_folder(cluster, media), members[backup.MEDIA_MEMBER])
        return backup_archive.write(path, cluster, {fact: info[fact] for fact in FACTS}, members)


def load(database: DatabaseClient, name: str, manifest: Mapping[str, Any], folder: str) -> None:
    """Replace the content of the database by the dump in a folder. Raises HostError."""
    database.rows(f"DROP DATABASE IF EXISTS `{name}`; CREATE DATABASE `{name}` CHARACTER SET utf8mb4;")
    database.load(os.path.join(folder, backup.DATABASE_MEMBER))
    missing = set(manifest["tables"]) - {row[0] for row in database.rows("SHOW TABLES;", name)}
    if missing:
        raise HostError(f"These tables are missing after the restore: {', '.join(sorted(missing))}. Restore again.")


def media_folder(cluster: str, media: dict[str, Any]) -> str:
    """Return the folder of this host that contains the media. Raises HostError."""
    kind, source = mount_source(cluster, media)
    return source if kind == "bind" else containers.volume_folder(engine.connect(), source)
