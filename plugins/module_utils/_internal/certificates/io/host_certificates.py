# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The certificate files of a host. Read-only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import CERTIFICATES
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files

KEYS = ("_key",)  # end the names of options that name the file of a key
DIGEST = 12  # characters


def read(params: Mapping[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    """Yield (option, path, text) of each certificate that the settings name. The text is None if the file cannot be read."""
    for option in CERTIFICATES:
        path = params.get(option)
        if path and not option.endswith(KEYS):
            yield option, path, _text(path)


def digests(params: Mapping[str, Any]) -> dict[str, str]:
    """Return {option: digest of the file} of each certificate that can be read. A replaced file has another digest."""
    return {
        option: hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:DIGEST]
        for option, _path, text in read(params)
        if text is not None
    }


def _text(path: str) -> str | None:
    try:
        return files.read_text(path)
    except HostError:
        return None
