# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which images a host lacks, and how an archive of images is laid out. Pure."""

from __future__ import annotations

import re

INDEX = "images.json"
SUMS = "SHA256SUMS"  # for `sha256sum --check`, on the way to an air-gapped site


def missing(wanted, had):
    """Return the names (list of str) of those images that a host has not, or has with other content.

    wanted: list of {"name", "id", "source_hash"}; the latter two absent where any image of the name will do. had: {name: {"id", "source_hash"}}.
    An engine that keeps images in another kind of store tells another id of the same image; the hash of what it was made from is then the proof.
    """
    return [image["name"] for image in wanted if not _is_same(image, had.get(image["name"]))]


def _is_same(wanted, had):
    if had is None:
        return False
    proofs = [key for key in ("id", "source_hash") if wanted.get(key)]
    return not proofs or any(wanted[key] == had[key] for key in proofs)


def file_name(name, image_id):
    """Return the name of the file (str) that holds an image: another image of the same name is another file."""
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '_', name)}-{image_id.rpartition(':')[2][:12]}.tar"


def sums(index):
    """Return the text of the file of checksums. index: {name: {"file", "sha256", ...}}."""
    return "".join(f"{entry['sha256']}  {entry['file']}\n" for entry in sorted(index.values(), key=lambda e: e["file"]))
