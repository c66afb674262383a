# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a driver raises: one exception, whose text an operator can act on."""

from __future__ import annotations


class HostError(Exception):
    """Something outside (Docker, Compose, a file) refused or failed; the text says what, and what to do about it."""


class DockerUnavailable(HostError):
    """Docker cannot be asked at all: not installed, not running, or the Docker SDK for Python is missing."""
