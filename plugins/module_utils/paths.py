# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Folders as the engine and the kernel write them, so that what a user wrote compares with what they tell."""

from __future__ import annotations

import posixpath


def cleaned(path):
    """Return an absolute path (str) without what means nothing: a slash at its end, a double one, a step to where one is. Others as they are."""
    # POSIX lets two slashes at the beginning mean something else; Linux does not.
    return posixpath.normpath("/" + path.lstrip("/")) if path.startswith("/") else path
