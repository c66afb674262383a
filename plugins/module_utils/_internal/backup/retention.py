# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of the archives that scheduled backups write, and which of them are deleted. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

TIME = "%Y%m%d%H%M%S"
CHECKSUM = ".sha256"  # at the end of the name of a checksum, after that of its archive


def archive_name(cluster: str, taken_at: str) -> str:
    """Return the name of an archive. taken_at: of its manifest, as in "2026-01-31 12:00:00"."""
    return f"{cluster}-{re.sub('[^0-9]', '', taken_at)}.tar.age"


def archive_time(cluster: str, name: str) -> datetime | None:
    """Return when the backup with this file name was taken, None for a file that is no scheduled backup of the cluster."""
    match = re.fullmatch(rf"{re.escape(cluster)}-(\d{{14}})\.tar\.age", name)
    if match is None:
        return None
    try:
        return datetime.strptime(match[1], TIME)
    except ValueError:
        return None


def expired(cluster: str, names: Iterable[str], newest: str, keep: int, keep_days: int) -> list[str]:
    """Return the archives to delete, oldest first.

    names: of the files in the folder. newest: the archive that was written last, which is never deleted; ages count from it, not from a clock.
    keep: how many archives remain at most. keep_days: for how many days, 0 for no limit.
    """
    times = {name: time for name in {*names, newest} if (time := archive_time(cluster, name))}
    now = times[newest]
    others = sorted((name for name in times if name != newest), key=lambda name: times[name], reverse=True)
    surplus = others[keep - 1 :]
    old = [name for name in others if keep_days and now - times[name] > timedelta(days=keep_days)]
    return sorted({*surplus, *old}, key=lambda name: times[name])


def lost_archives(cluster: str, names: Collection[str]) -> list[str]:
    """Return the archives of which only the checksum exists. names: of the files in the folder."""
    checked = [name[: -len(CHECKSUM)] for name in names if name.endswith(CHECKSUM)]
    return sorted(name for name in checked if name not in names and archive_time(cluster, name))
