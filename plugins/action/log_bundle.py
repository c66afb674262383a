# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bundles the fetched log archives of all hosts on the controller."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io import backup_archive
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.io.log_archive import pack
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.logs import COLUMNS, report_rows
from ansible_collections.waba.cluster.plugins.module_utils._internal.table import table

OPTIONS = {
    "folder": {"type": "path", "required": True},
    "reports": {"type": "dict", "required": True},
    "status": {"type": "dict", "default": {}},
}


def bundle(folder: str, rows: Sequence[Mapping[str, Any]], hosts: Iterable[str], status: Mapping[str, Any]) -> str:
    """Unpack the archives of hosts and pack the folder; return the path of the bundle. Raises HostError."""
    for host in hosts:
        fetched, place = os.path.join(folder, f"{host}.tar.gz"), os.path.join(folder, host)
        try:
            os.makedirs(place, 0o700, exist_ok=True)
        except OSError as error:
            raise HostError(f"Cannot create the folder {place}: {error.strerror}.") from error
        backup_archive.unpack_folder(fetched, place)
        files.remove(fetched)
    lines = table([[row[column] for column in COLUMNS] for row in rows], COLUMNS)
    files.write(os.path.join(folder, "summary.txt"), "".join(f"{line}\n" for line in lines), 0o600)
    files.write(os.path.join(folder, "status.json"), json.dumps(status, indent=2, sort_keys=True) + "\n", 0o600)
    archive = f"{folder}.tar.gz"
    pack(folder, archive, os.path.basename(folder))
    return archive


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        del tmp
        _result, options = self.validate_argument_spec(OPTIONS)
        folder, reports = options["folder"].rstrip("/"), options["reports"]
        fetched = [host for host in reports if os.path.isfile(os.path.join(folder, f"{host}.tar.gz"))]
        rows = report_rows(reports, fetched)
        result.update(changed=True, rows=rows, missing=[host for host in reports if host not in fetched])
        if not self._task.check_mode:
            try:
                result["archive"] = bundle(folder, rows, fetched, options["status"])
            except HostError as error:
                return {**result, "failed": True, "msg": str(error)}
        return result
