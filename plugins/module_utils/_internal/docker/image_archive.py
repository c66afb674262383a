# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which images a host lacks, and the layout of an image archive. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

INDEX = "images.json"
CHECKSUMS = "SHA256SUMS"  # for `sha256sum --check` after a transfer to an air-gapped site


def missing_images(wanted: Iterable[Mapping[str, Any]], present: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the names of the wanted images that a host lacks or has with other content.

    wanted: {"name", "id", "source_hash"} each; without the latter two any image of the name is accepted. present: {name: {"id", "source_hash"}}.
    Image ids differ between the image stores of Docker engines, so an equal source hash also identifies an image.
    """
    return [image["name"] for image in wanted if not _is_same(image, present.get(image["name"]))]


def _is_same(wanted: Mapping[str, Any], present: Mapping[str, Any] | None) -> bool:
    if present is None:
        return False
    keys = [key for key in ("id", "source_hash") if wanted.get(key)]
    return not keys or any(wanted[key] == present[key] for key in keys)


def archive_file_name(name: str, image_id: str) -> str:
    """Return the name of the file for an image. Images of one name with different content get different files."""
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '_', name)}-{image_id.rpartition(':')[2][:12]}.tar"


def checksum_list(index: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the text of the checksum file. index: {name: {"file", "sha256", ...}}."""
    return "".join(f"{entry['sha256']}  {entry['file']}\n" for entry in sorted(index.values(), key=lambda e: e["file"]))
