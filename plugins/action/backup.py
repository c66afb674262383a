# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prints progress while the module of the same name runs."""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.plugin_utils._progress import ActionModule

__all__ = ["ActionModule"]
