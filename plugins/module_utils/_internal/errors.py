# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Exceptions of this collection. Their text names the problem and the fix."""

from __future__ import annotations


class HostError(Exception):
    """An operation on the host, its engine or a server failed."""


class DockerUnavailable(HostError):
    """The Docker engine cannot be reached: it is not installed or not running, or the Docker SDK for Python is missing."""
