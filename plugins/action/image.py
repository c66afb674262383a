# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prints progress, with the images, while the module of the same name runs."""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.plugin_utils import _progress as progress


class ActionModule(progress.ActionModule):
    def description(self) -> str:
        names = self._task.args.get("name") or self._task.args.get("names") or []
        listed = names if isinstance(names, str) else ", ".join(map(str, names))
        return f"{super().description()} ({listed})"
