# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Paths in the form in which the engine and the kernel report them."""

from __future__ import annotations

import posixpath


def normalized(path: str) -> str:
    """Return an absolute path without redundant slashes, "." and "..". A relative path is returned unchanged."""
    # POSIX gives two leading slashes a meaning of their own; Linux does not.
    return posixpath.normpath("/" + path.lstrip("/")) if path.startswith("/") else path
