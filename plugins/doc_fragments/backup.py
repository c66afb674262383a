# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  media:
    description:
      - The media, as in C(waba_volumes.media). M(waba.cluster.backup) puts them into the archive too, M(waba.cluster.restore) puts those of the archive there.
      - A restore needs the volume to be there, and overwrites files of the same name. Without this, media are left where they are.
    type: dict
    suboptions:
      type:
        description: As for M(waba.cluster.compose_files).
        type: str
        choices: [named, external, bind]
        default: named
      source:
        description: Name of the volume, or the folder's absolute path.
        type: str
        required: true
      owner:
        description: Without meaning here.
        type: int
      mode:
        description: Without meaning here.
        type: str
"""
